/**
 * Connects to one Redis server, by two connections: one for what is subscribed, which the server cuts off when it does not
 * keep up, and one for everything else. A link that is lost is gone: another one is opened in its place, so that nothing
 * that was said to one process of a server is ever repeated to the next. I/O thread.
 */
import { randomBytes } from 'node:crypto';
import { createClient, RESP_TYPES } from '@redis/client';
import { textOf } from '../faults.js';
import type { OnBytes } from '../remote/server-port.js';
import type { RedisAccess, RedisAddress } from './access.js';
import type { RedisLink } from './redis-link.js';
import { CLAIM } from './scripts.js';

/** To be there; the same for each of the questions that are asked then. */
const CONNECT_MS = 5000;
/** Of the server's configuration, if it does not say: 512 MiB. */
const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;

/**
 * @param onLost the link is of no use any more, and closed
 * @throws Error when it cannot be used
 */
export async function openLink(
  access: RedisAccess,
  label: string,
  lineageKey: string,
  onLost: (reason: string) => void,
): Promise<RedisLink> {
  const [address] = access.addresses;
  const clients = [makeClient(access, address!, label), makeClient(access, address!, label)] as const;
  const [commands, subscriber] = clients;
  let state: 'opening' | 'open' | 'over' = 'opening';
  let failure: unknown;
  const destroy = () => {
    state = 'over';
    for (const client of clients) client.destroy();
  };
  const onError = (error: unknown) => {
    failure ??= error;
    const before = state;
    if (before === 'over') return;
    destroy();
    if (before === 'open') onLost(textOf(error));
  };
  for (const client of clients) client.on('error', onError);
  const timer = setTimeout(() => onError(new Error(`no answer within ${CONNECT_MS} ms`)), CONNECT_MS);
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const ask = (...args: string[]) => commands.sendCommand(args) as Promise<unknown>;
    const info = String(await ask('INFO'));
    if (fieldOf(info, 'role') !== 'master') throw new Error('it is a replica, and takes no publications');
    if (fieldOf(info, 'cluster_enabled') === '1') throw new Error('it is a Redis Cluster');
    const config = await configOf(ask);
    const run = isDurable(info, config) ? fieldOf(info, 'run_id') : '';
    await ask('EVAL', CLAIM, '1', lineageKey, randomBytes(6).toString('base64url'), run);
    state = 'open';
    return {
      isCluster: false,
      maxMessageBytes: Number(config.get('proto-max-bulk-len') ?? DEFAULT_MAX_BYTES),
      send: (_key, args) => commands.sendCommand(args as string[], BYTES),
      subscribe: (channel, onBytes) => subscriber.subscribe(channel, onBytes as OnBytes, true),
      unsubscribe: (channel, onBytes) => subscriber.unsubscribe(channel, onBytes as OnBytes, true),
      ping: () => Promise.all(clients.map((client) => client.ping())),
      close: async () => {
        state = 'over';
        await Promise.all(clients.map((client) => client.close()));
      },
      destroy,
    };
  } catch (error) {
    destroy();
    throw failure ?? error;
  } finally {
    clearTimeout(timer);
  }
}

/** Strings of answers as bytes. */
const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

function makeClient(
  { username, password, database, tls }: RedisAccess,
  { host, port }: RedisAddress,
  name: string,
) {
  return createClient({
    name,
    RESP: 3,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    socket: {
      host,
      port,
      connectTimeout: CONNECT_MS,
      reconnectStrategy: false,
      ...(tls === undefined ? {} : { tls: true as const, ...tls }),
    },
  });
}

function fieldOf(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
}

/** What it says of its configuration: nothing, when it may not be asked. */
async function configOf(ask: (...args: string[]) => Promise<unknown>): Promise<Map<string, string>> {
  const pairs: unknown[] = [];
  for (const pattern of ['append*', 'proto-max-bulk-len'])
    pairs.push(...Object.entries((await ask('CONFIG', 'GET', pattern).catch(() => ({}))) as object));
  return new Map(pairs as [string, string][]);
}

/**
 * True when a publication that was answered for is never lost: each is on the disk before that, and the server has not
 * taken over from another one.
 */
function isDurable(info: string, config: ReadonlyMap<string, string>): boolean {
  return (
    config.get('appendonly') === 'yes' &&
    config.get('appendfsync') === 'always' &&
    /^0+$/.test(fieldOf(info, 'master_replid2'))
  );
}
