/** How a Redis server is reached: address, credentials, TLS. I/O thread. */
import { readFile } from 'node:fs/promises';
import type { RedisClientOptions } from '@redis/client';
import { withoutUndefined } from '../check-options.js';
import { DEFAULT_URL, type RedisBrokerOptions, type RedisSettings } from './redis-options.js';

const PORT = 6379;

/** Of a server, or the path of its Unix socket: as `net.connect` takes it. */
export type RedisAddress = { readonly host: string; readonly port: number } | { readonly path: string };

export interface RedisAccess extends Pick<RedisBrokerOptions, 'nodeAddressMap'> {
  /** Several are those of a cluster, any of which tells the others. */
  readonly addresses: readonly RedisAddress[];
  readonly login: Pick<RedisClientOptions, 'username' | 'password' | 'credentialsProvider'>;
  readonly database: number;
  /** Of every connection, beside its address. */
  readonly socket: object;
}

/** What servers are called in errors: nothing of a credential. */
export function serversOf(settings: RedisSettings): string {
  return addressesOf(settings)
    .map((address) => ('path' in address ? address.path : `${address.host}:${address.port}`))
    .join(', ');
}

/** @throws Error when a file cannot be read */
export async function readAccess(settings: RedisSettings): Promise<RedisAccess> {
  const { tls, socket, nodeAddressMap } = settings;
  const [first] = urlsOf(settings);
  const isSecure = tls !== undefined || /^(redis|valkey)s:$/.test(first!.protocol);
  const [ca, key, cert] = await Promise.all([read(tls?.ca), read(tls?.key), read(tls?.cert)]);
  return {
    addresses: addressesOf(settings),
    login: await loginOf(settings, first!),
    database: settings.database ?? Number(first!.pathname.slice(1)),
    socket: {
      ...(isSecure && { tls: true }),
      ...(ca && { ca }),
      ...(key && { key }),
      ...(cert && { cert }),
      ...(socket && withoutUndefined(socket)),
    },
    nodeAddressMap,
  };
}

function addressesOf(settings: RedisSettings): RedisAddress[] {
  const { host, port, path } = (settings.socket ?? {}) as { host?: string; port?: number; path?: string };
  if (path !== undefined) return [{ path }];
  if (host !== undefined || port !== undefined) return [{ host: host ?? '127.0.0.1', port: port ?? PORT }];
  return urlsOf(settings).map((url) => ({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? PORT : Number(url.port),
  }));
}

async function loginOf(
  { credentialsFile, username, password, credentialsProvider }: RedisSettings,
  url: URL,
): Promise<RedisAccess['login']> {
  if (credentialsProvider !== undefined) return { credentialsProvider };
  const [fromUrl, secretOfUrl] =
    credentialsFile === undefined
      ? [decodeURIComponent(url.username), decodeURIComponent(url.password)]
      : split((await readFile(credentialsFile, 'utf8')).trim());
  const user = username ?? fromUrl;
  const secret = password ?? secretOfUrl;
  return { ...(user !== '' && { username: user }), ...(secret !== '' && { password: secret }) };
}

function urlsOf({ url = DEFAULT_URL }: RedisSettings): URL[] {
  return url.split(',').map((one) => new URL(one.trim()));
}

/** `user:password`, or a password alone. */
function split(text: string): [username: string, password: string] {
  const colon = text.indexOf(':');
  return colon < 0 ? ['', text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function read(path: string | undefined): Promise<Buffer | undefined> {
  return path === undefined ? Promise.resolve(undefined) : readFile(path);
}
