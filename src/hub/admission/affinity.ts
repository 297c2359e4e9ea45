/** The option `affinity` as a function, and the place of a key among the shards. Pure. */
import { AFFINITY_PATTERN, type AffinityHook } from '../../api/affinity.js';
import { describeReturned, HubError } from '../../api/errors.js';
import type { HandshakeRequest } from '../../api/handshake-request.js';

/** @throws HubError `ERR_AFFINITY`, or whatever the application's own function throws */
export type Affinity = (request: HandshakeRequest, data: unknown) => string | undefined;

export function compileAffinity(option: string | AffinityHook): Affinity {
  if (typeof option === 'function') return (request, data) => check(option(request, data));
  const [, source, name = '', fallback] = AFFINITY_PATTERN.exec(option)!;
  if (source === undefined) return ({ path }) => path;
  if (source === 'query') return ({ query }) => new URLSearchParams(query).get(name) || fallback;
  return ({ headers }) => headers[name.toLowerCase()] || fallback;
}

function check(key: unknown): string | undefined {
  if (key === undefined || typeof key === 'string') return key;
  throw new HubError(
    'ERR_AFFINITY',
    `affinity returned ${describeReturned(key)} but takes a string or undefined`,
  );
}

/** The place of a key among `count` shards: FNV-1a over its UTF-16 code units. The same for as long as `count` is. */
export function shardOfKey(key: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  // The low bits of a multiplication know nothing of the high ones.
  return ((hash ^ (hash >>> 15)) >>> 0) % count;
}
