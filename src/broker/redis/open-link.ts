/**
 * Connects to one Redis server, by two connections: one for what is subscribed, which the server cuts off when it does not
 * keep up, and one for everything else. A link that is lost is gone: another one is opened in its place, so that nothing
 * that was said to one process of a server is ever repeated to the next. I/O thread.
 */
import { randomBytes } from 'node:crypto';
import { createClient } from '@redis/client';
import { textOf } from '../faults.js';
import type { OnBytes } from '../remote/server-port.js';
import type { RedisAccess, RedisAddress } from './access.js';
import { BYTES, CONNECT_MS, socketOf } from './client-options.js';
import { openClusterLink } from './open-cluster-link.js';
import type { LinkNeeds, RedisLink } from './redis-link.js';
import { CLAIM } from './scripts.js';

/** Of the server's configuration, if it does not say: 512 MiB. */
const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;

/** By the first server that can be used. @throws Error when none can */
export async function openLink(needs: LinkNeeds): Promise<RedisLink> {
  let failure: unknown;
  for (const address of needs.access.addresses) {
    try {
      return await openServer(needs, address);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

async function openServer(needs: LinkNeeds, address: RedisAddress): Promise<RedisLink> {
  const { access, label, lineageKey, onLost } = needs;
  const clients = [makeClient(access, address, label), makeClient(access, address, label)] as const;
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
    const config = await configOf(ask);
    const maxMessageBytes = Number(config.get('proto-max-bulk-len') ?? DEFAULT_MAX_BYTES);
    if (fieldOf(info, 'cluster_enabled') === '1') {
      destroy();
      return await openClusterLink(needs, maxMessageBytes);
    }
    if (access.addresses.length > 1) throw new Error('several servers are given, but they are no cluster');
    if (fieldOf(info, 'role') !== 'master') throw new Error('it is a replica, and takes no publications');
    const run = isDurable(info, config) ? fieldOf(info, 'run_id') : '';
    await ask('EVAL', CLAIM, '1', lineageKey, randomBytes(6).toString('base64url'), run);
    state = 'open';
    return {
      isCluster: false,
      maxMessageBytes,
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

function makeClient(access: RedisAccess, address: RedisAddress, name: string) {
  const socket = { ...socketOf(access, address), reconnectStrategy: false as const };
  return createClient({ name, RESP: 3, ...access.login, database: access.database, socket });
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
