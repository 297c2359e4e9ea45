/** What `hub.stats()`, `GET /stats` and `GET /stats/stream` say. */
import type { DropReason, InvalidReason, RejectReason } from './reasons.js';

/**
 * down → starting → up → down …; resting: down, and its connections are gone until it starts again; suspended: messages wait
 * while its worker hands over to another version.
 */
export type ShardState = 'down' | 'starting' | 'up' | 'suspended' | 'resting' | 'stopped';

/** Counters and gauges of one shard and its worker. Counters are since the hub was started. */
export interface ShardStats {
  /** Which one, from 0. */
  readonly shard: number;
  /** Whether its worker serves. */
  readonly state: ShardState;
  /** Gauge: its open connections, requests to `POST /echo` among them. */
  readonly connections: number;
  /** Times that something was handed to the worker. */
  readonly batches: number;
  /** Messages that were accepted. */
  readonly messages: number;
  /** Times that the worker slept and had to be woken. */
  readonly wakeups: number;
  /** Times that its worker was replaced. */
  readonly restarts: number;
  /** Which version of the handlers it runs: 1 at the start, one more with each reload. */
  readonly generation: number;
  /** Gauge: records that have been accepted and not finished. */
  readonly inFlight: number;
}

/** How long messages took, from acceptance to the last reply. */
export interface Latency {
  /** Half of them took at most so long, in ms. */
  readonly p50Ms: number;
  /** 99 % of them took at most so long, in ms. */
  readonly p99Ms: number;
  /** Messages that this is about. */
  readonly samples: number;
}

/** What the hub shares with others, and by what. */
export interface ClusterStats {
  /** `memory` for a hub that is alone, or the engine. */
  readonly broker: string;
  /** `up`, `degraded` or `down`. */
  readonly state: 'up' | 'degraded' | 'down';
  /** Why it is not up, in words. */
  readonly reason: string;
  /** Gauge: hubs that are there, this one among them. */
  readonly nodes: number;
  /** Gauge: bytes that wait to be sent to the engine. */
  readonly waitingBytes: number;
  /** Messages on the cluster's subjects that were none of ours, or of another version. */
  readonly foreign: number;
  /** Publications with history that failed. */
  readonly failed: number;
  /** Plain publications that the engine was not given, since it was away or too much waited; they were sent here all the same. */
  readonly unsent: number;
  /** Times that the subscribers of a topic missed something that was not kept any more. */
  readonly lost: number;
}

/** A path with a WebSocket endpoint. */
export interface RouteStats {
  /** As it is in the option `routes`, or the option `path`. */
  readonly path: string;
  /** Its handler as it was given. */
  readonly handler: string;
  /** Gauge: WebSockets that are open on it. */
  readonly connections: number;
}

/** A snapshot of the hub. What is no gauge counts from its start and never falls. */
export interface HubStats {
  /** `idle`, `starting`, `running`, `draining` or `stopped`. */
  readonly state: string;
  /** Since it was ready, in ms; 0 before. */
  readonly uptimeMs: number;
  /** The handler as it was given; several are separated by `, `. */
  readonly handler: string;
  /** One for each path with a WebSocket endpoint. */
  readonly routes: readonly RouteStats[];
  /** Worker threads; 0 when the handler runs on the I/O thread. */
  readonly workers: number;
  /** What drives the sockets. */
  readonly engine: {
    /** `uws` or `node`. */
    readonly name: string;
    /** With `engine: 'auto'`, where uWebSockets.js is missing: how to get it. */
    readonly advice?: string;
  };
  /** WebSockets. */
  readonly connections: {
    /** Gauge: WebSockets that are open now. */
    readonly open: number;
    /** Opened so far. */
    readonly opened: number;
    /** Closed connections by close code as the hub saw it; 1006 is without a close frame. */
    readonly closed: Readonly<Record<string, number>>;
    /** Closed because the peer was silent for `idleTimeout`. */
    readonly timedOut: number;
  };
  /** Messages, those of `POST /echo` among them. */
  readonly messages: {
    /** Accepted from clients. */
    readonly received: number;
    /** Bytes of their payloads. */
    readonly receivedBytes: number;
    /** Replies handed to sockets. */
    readonly sent: number;
    /** Bytes of their payloads. */
    readonly sentBytes: number;
    /** Gauge: accepted and not finished. */
    readonly inFlight: number;
    /** Gauge: bytes of their payloads. */
    readonly inFlightBytes: number;
  };
  /** What was published, by the application and by handlers. */
  readonly topics: {
    /** Messages published. */
    readonly published: number;
    /** Outbound queues that they went into. */
    readonly deliveries: number;
  };
  /** Pings of `connection.ping`; the engine's own are not among them. */
  readonly pings: {
    /** Pings sent. */
    readonly sent: number;
    /** Of these, answered by their pong. */
    readonly answered: number;
    /** Of these, not answered in time. */
    readonly timedOut: number;
    /** Mean time to the pong, in ms; 0 before the first. */
    readonly roundTripMeanMs: number;
    /** Longest time to the pong, in ms; 0 before the first. */
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
    /** Messages in outbound queues. */
    readonly queuedMessages: number;
    /** Bytes of their payloads. */
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
  /** Workers that ended by themselves, or were ended for being stuck. */
  readonly workerExits: number;
  /** Workers that took the place of one that ended. */
  readonly workerRestarts: number;
  /** Times that all workers were replaced on demand (`hub.reload`, `hub.resize`). */
  readonly reloads: number;
  /** Times that this failed, and changed nothing. */
  readonly reloadsFailed: number;
  /** Connections closed because their worker died with a message of theirs that had begun (1011). */
  readonly crashed: number;
  /**
   * Lines of the log that could not be written, since nobody took them or the logger threw; and what handlers printed in
   * worker threads, likewise.
   */
  readonly logLinesDropped: number;
  /** Times that the hub stopped to take connections because the process ran out of file descriptors. */
  readonly listenPauses: number;
  /** The other hubs. */
  readonly cluster: ClusterStats;
  /** Times that a connection was not read for a while, with `overload: 'pause'`. */
  readonly readPauses: number;
  /** The option `spin`, on the I/O thread. */
  readonly spin: {
    /** Times that it looked for replies in a loop before it slept. */
    readonly looks: number;
    /** Of these, how often replies came. */
    readonly hits: number;
  };
  /** Each shard, by its number. */
  readonly shards: readonly ShardStats[];
}

/** One event of the stream: what `stats()` says, and what is measured only while somebody looks. */
export interface StatsEvent {
  /** As `hub.stats()`. */
  readonly stats: HubStats;
  /** From a message's acceptance to its last reply, of a sample of the last ten seconds; null when there is none. */
  readonly latency: Latency | null;
  /** Milliseconds. */
  readonly loopDelay: {
    /** The longest delay of the I/O thread's event loop in the last second. */
    readonly frontMs: number;
    /** By shard: how long the thread took to answer a probe; null when there is no thread, or no answer yet. */
    readonly workersMs: readonly (number | null)[];
  };
}
