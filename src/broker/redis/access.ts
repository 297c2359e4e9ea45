/** How a Redis server is reached: address, credentials, TLS. I/O thread. */
import { readFile } from 'node:fs/promises';
import type { BrokerAccess } from '../settings.js';

const PORT = 6379;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisAccess {
  /** Several are those of a cluster, any of which tells the others. */
  readonly addresses: readonly RedisAddress[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: { readonly ca?: Buffer; readonly key?: Buffer; readonly cert?: Buffer } | undefined;
}

/** What a server is called in errors: nothing of a credential. */
export function addressesOf({ url }: BrokerAccess): RedisAddress[] {
  return urlsOf(url).map(({ hostname, port }) => ({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? PORT : Number(port),
  }));
}

/** @throws Error when a file cannot be read */
export async function readAccess(settings: BrokerAccess): Promise<RedisAccess> {
  const [first] = urlsOf(settings.url);
  const { tls, credentialsFile } = settings;
  const isSecure = tls !== undefined || /^(redis|valkey)s:$/.test(first!.protocol);
  const [ca, key, cert] = await Promise.all([read(tls?.ca), read(tls?.key), read(tls?.cert)]);
  const [username, password] =
    credentialsFile === undefined
      ? [decodeURIComponent(first!.username), decodeURIComponent(first!.password)]
      : split((await readFile(credentialsFile, 'utf8')).trim());
  return {
    addresses: addressesOf(settings),
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : password,
    database: Number(first!.pathname.slice(1)),
    tls: isSecure ? { ...(ca && { ca }), ...(key && { key }), ...(cert && { cert }) } : undefined,
  };
}

function urlsOf(url: string): URL[] {
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
