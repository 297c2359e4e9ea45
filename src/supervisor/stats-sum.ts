/** The statistics of several processes as one: sums, where a sum says something. Pure. */
import type { HubStats, ShardStats } from '../api/stats.js';

/** Of these, the largest stands for all. */
const LARGEST = new Set(['uptimeMs', 'roundTripMaxMs', 'nodes']);

export interface ProcessStats {
  /** Its number, from 0. */
  readonly process: number;
  readonly pid: number | undefined;
  /** `starting`, `up`, `draining` or `gone`; `silent` when it did not answer in time. */
  readonly state: string;
  /** Gauge: its WebSockets. */
  readonly connections: number;
  readonly uptimeMs: number;
}

/** Shards have the number of their process. */
export type ProcessShard = ShardStats & { readonly process: number };

/** @param all by the numbers of their processes; not empty */
export function sumStats(all: readonly (readonly [index: number, stats: HubStats])[]): HubStats {
  const shards = all.flatMap(([index, stats]) =>
    stats.shards.map((shard): ProcessShard => ({ process: index, ...shard })),
  );
  const [first, ...others] = all.map(([, stats]) => stats) as [HubStats, ...HubStats[]];
  const sum = others.reduce((before, stats) => add(before, stats) as HubStats, first);
  const roundTrips = all.reduce((total, [, { pings }]) => total + pings.roundTripMeanMs * pings.answered, 0);
  const roundTripMeanMs = roundTrips / Math.max(1, sum.pings.answered);
  return { ...sum, pings: { ...sum.pings, roundTripMeanMs }, shards };
}

/** What a process has counted, without what is no more. */
export function countsOf(stats: HubStats): HubStats {
  const { connections, messages, cluster, routes } = stats;
  return {
    ...stats,
    workers: 0,
    routes: routes.map((route) => ({ ...route, connections: 0 })),
    connections: { ...connections, open: 0 },
    messages: { ...messages, inFlight: 0, inFlightBytes: 0 },
    outbound: { queuedMessages: 0, queuedBytes: 0, engineBytes: 0 },
    cluster: { ...cluster, nodes: 0, waitingBytes: 0 },
    shards: [],
  };
}

function add(a: unknown, b: unknown, key = ''): unknown {
  if (typeof a === 'number' && typeof b === 'number') return LARGEST.has(key) ? Math.max(a, b) : a + b;
  if (Array.isArray(a) && Array.isArray(b)) return a.map((item, i) => add(item, b[i], key));
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      name in one ? (name in other ? add(one[name], other[name], name) : one[name]) : other[name],
    ]),
  );
}
