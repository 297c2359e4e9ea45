/** Puts together what `hub.stats()` says. I/O thread. */
import type { HubStats, ShardStats } from '../api/stats.js';
import type { Counters } from './counters.js';

export type HubIdentity = Pick<
  HubStats,
  'state' | 'uptimeMs' | 'handler' | 'routes' | 'workers' | 'engine' | 'cluster'
>;

export function collectStats(
  identity: HubIdentity,
  counters: Counters,
  open: number,
  shards: readonly ShardStats[],
): HubStats {
  const { received, receivedBytes, sent, sentBytes, inFlight, inFlightBytes } = counters;
  return {
    ...identity,
    connections: {
      open,
      opened: counters.opened,
      closed: { ...counters.closed },
      timedOut: counters.timedOut,
    },
    messages: { received, receivedBytes, sent, sentBytes, inFlight, inFlightBytes },
    topics: { published: counters.published, deliveries: counters.deliveries },
    pings: {
      sent: counters.pingsSent,
      answered: counters.pongsReceived,
      timedOut: counters.pingTimeouts,
      roundTripMeanMs: counters.roundTripSumMs / Math.max(1, counters.pongsReceived),
      roundTripMaxMs: counters.roundTripMaxMs,
    },
    rejected: { ...counters.rejected },
    invalid: { ...counters.invalid },
    dropped: { ...counters.dropped },
    outbound: {
      queuedMessages: counters.queuedMessages,
      queuedBytes: counters.queuedBytes,
      engineBytes: counters.engineBytes,
    },
    handlerTimeouts: counters.handlerTimeouts,
    shed: counters.shed,
    workerExits: counters.workerExits,
    workerRestarts: counters.workerRestarts,
    reloads: counters.reloads,
    reloadsFailed: counters.reloadsFailed,
    crashed: counters.crashed,
    listenPauses: counters.listenPauses,
    readPauses: counters.readPauses,
    spin: { looks: counters.looks, hits: counters.lookHits },
    handlerErrors: counters.handlerErrors,
    logLinesDropped: counters.logLinesDropped,
    shards,
  };
}
