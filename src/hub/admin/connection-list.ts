/** Connections in pages: filtered, sorted. Never what they send, nor their queries and headers. Pure. */
import { parseConnectionId } from '../../wire/id.js';
import { ConnectionState } from '../connection/connection-state.js';
import type { AdminConnection } from './admin-host.js';
import type { Fields } from './fields.js';

export const FILTERS = ['user', 'topic', 'route', 'shard', 'minAgeSeconds', 'minBufferedBytes'] as const;
export const PAGE_FIELDS = [...FILTERS, 'sort', 'limit', 'after'] as const;

const WEIGHTS: Readonly<Record<string, (connection: AdminConnection) => number>> = {
  age: ({ openedAt }) => -openedAt,
  'buffered-bytes': ({ bufferedBytes }) => bufferedBytes,
  'in-flight': ({ inFlight }) => inFlight,
  'in-flight-bytes': ({ inFlightBytes }) => inFlightBytes,
};
const SORTS = Object.keys(WEIGHTS);
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** @throws HubError `ERR_ARGUMENT` that names a field that is not right */
export function listConnections(all: Iterable<AdminConnection>, fields: Fields) {
  const matches = matcher(fields);
  const limit = fields.integer('limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
  const sort = fields.oneOf('sort', SORTS);
  const after = fields.text('after');
  const from = after === undefined ? -1 : (parseConnectionId(after)?.slot ?? fields.refuse('after', 'an id'));
  if (sort !== undefined && after !== undefined) fields.refuse('after', 'nothing together with sort');
  let found: AdminConnection[] = [];
  for (const connection of all) if (connection.slot > from && matches(connection)) found.push(connection);
  const total = found.length;
  const weigh = sort === undefined ? undefined : WEIGHTS[sort]!;
  if (weigh !== undefined) found.sort((a, b) => weigh(b) - weigh(a));
  found = found.slice(0, limit);
  const hasMore = weigh === undefined && total > found.length;
  return {
    total,
    connections: found.map(viewOf),
    ...(hasMore && { next: found.at(-1)!.id }),
  };
}

/** Whether a connection is one that the filters name. @throws as {@link listConnections} */
export function matcher(fields: Fields): (connection: AdminConnection) => boolean {
  const [user, topic, route] = [fields.text('user'), fields.text('topic'), fields.text('route')];
  const shard = fields.integer('shard', 0, 255);
  const minAgeMs = (fields.integer('minAgeSeconds', 0, 1e9) ?? 0) * 1000;
  const minBytes = fields.integer('minBufferedBytes', 0, 1e15) ?? 0;
  const now = performance.now();
  return (connection) =>
    !connection.isVirtual &&
    connection.state !== ConnectionState.Gone &&
    (user === undefined || connection.member?.userId === user) &&
    (topic === undefined || connection.member?.topics?.has(topic) === true) &&
    (route === undefined || connection.route.path === route) &&
    (shard === undefined || connection.shard.index === shard) &&
    now - connection.openedAt >= minAgeMs &&
    connection.bufferedBytes >= minBytes;
}

const STATE_NAMES = {
  [ConnectionState.Open]: 'open',
  [ConnectionState.Ending]: 'ending',
  [ConnectionState.Closing]: 'closing',
  [ConnectionState.Gone]: 'gone',
} as const;

export function viewOf(connection: AdminConnection) {
  const { id, remoteAddress, route, shard, member } = connection;
  return {
    id,
    ...(member?.userId !== undefined && { user: member.userId }),
    route: route.path,
    shard: shard.index,
    remoteAddress,
    state: STATE_NAMES[connection.state],
    ageSeconds: Math.floor((performance.now() - connection.openedAt) / 1000),
    inFlight: connection.inFlight,
    inFlightBytes: connection.inFlightBytes,
    bufferedBytes: connection.bufferedBytes,
    topics: member?.topics?.size ?? 0,
  };
}

/** One, with its queues. */
export function detailsOf(connection: AdminConnection) {
  const { member, inFlight, inRing, queuedMessages, queuedBytes, bufferedBytes } = connection;
  return {
    ...viewOf(connection),
    topics: [...(member?.topics ?? [])],
    ...(member?.roundTripMs !== undefined && { roundTripMs: member.roundTripMs }),
    // Those that are in the ring or in the worker, and those that wait behind them.
    inbound: { atWorker: inRing, waiting: inFlight - inRing },
    outbound: { queuedMessages, queuedBytes, engineBytes: bufferedBytes - queuedBytes },
  };
}
