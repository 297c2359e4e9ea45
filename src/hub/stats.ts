/** What `hub.stats()` and `GET /stats` say. */
import type { Counters, DropReason, InvalidReason, RejectReason } from '../metrics/counters.js';
import type { ShardStats } from './shard.js';

/** A path with a WebSocket endpoint. */
export interface RouteStats {
  readonly path: string;
  /** Its handler as it was given. */
  readonly handler: string;
  /** Gauge: WebSockets that are open on it. */
  readonly connections: number;
}

export interface HubStats {
  readonly state: string;
  readonly uptimeMs: number;
  /** The handler as it was given; several are separated by `, `. */
  readonly handler: string;
  readonly routes: readonly RouteStats[];
  readonly workers: number;
  readonly connections: {
    /** Gauge: WebSockets that are open now. */
    readonly open: number;
    readonly opened: number;
    /** Closed connections by close code as the hub saw it; 1006 is without a close frame. */
    readonly closed: Readonly<Record<string, number>>;
    /** Closed because the peer was silent for `idleTimeout`. */
    readonly timedOut: number;
  };
  readonly messages: {
    /** Accepted from clients. */
    readonly received: number;
    readonly receivedBytes: number;
    /** Replies handed to sockets. */
    readonly sent: number;
    readonly sentBytes: number;
    /** Gauge: accepted and not finished. */
    readonly inFlight: number;
    readonly inFlightBytes: number;
  };
  readonly topics: {
    /** Messages published. */
    readonly published: number;
    /** Outbound queues that they went into. */
    readonly deliveries: number;
  };
  /** Pings of `connection.ping`; the engine's own are not among them. */
  readonly pings: {
    readonly sent: number;
    readonly answered: number;
    readonly timedOut: number;
    /** In ms; 0 before the first. */
    readonly roundTripMeanMs: number;
    readonly roundTripMaxMs: number;
  };
  /** Handshakes and HTTP requests that were refused. */
  readonly rejected: Readonly<Record<RejectReason, number>>;
  /** Input that ended its connection. */
  readonly invalid: Readonly<Record<InvalidReason, number>>;
  /** Messages and replies that were dropped. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Gauges: replies that their sockets could not take yet. */
  readonly outbound: {
    readonly queuedMessages: number;
    readonly queuedBytes: number;
    /** In the engine's own buffers, as of the last look at each socket. */
    readonly engineBytes: number;
  };
  /** Hooks that threw or rejected. */
  readonly handlerErrors: number;
  /** Hooks that did not finish within `handlerTimeoutMs`. */
  readonly handlerTimeouts: number;
  /** Connections closed because a bound was passed (1013). */
  readonly shed: number;
  readonly workerExits: number;
  readonly workerRestarts: number;
  /** Connections closed because their worker died with a message of theirs that had begun (1011). */
  readonly crashed: number;
  readonly shards: readonly ShardStats[];
}

export type HubIdentity = Pick<HubStats, 'state' | 'uptimeMs' | 'handler' | 'routes' | 'workers'>;

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
    crashed: counters.crashed,
    handlerErrors: counters.handlerErrors,
    shards,
  };
}
