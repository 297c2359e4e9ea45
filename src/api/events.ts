/** The hub's events. */
import type { Position } from './broker.js';
import type { HubConnection } from './connection.js';
import type { ErrorRecord } from './errors.js';
import type { RejectReason } from './reasons.js';

/** A worker thread has ended. */
export interface WorkerExitEvent {
  /** Which worker, from 0. */
  readonly shard: number;
  /** Why, in words: an exit code, an error, or that it was stuck. */
  readonly reason: string;
  /** Connections closed because a message of theirs had begun and not finished. */
  readonly connections: number;
  /** The error that nobody caught, if it was one; its stack is the worker's. */
  readonly error?: ErrorRecord;
}

/** A shard rests after too many deaths of its worker: see `maxRestarts`. */
export interface WorkerRestEvent {
  /** Which worker, from 0. */
  readonly shard: number;
  /** How long, in ms: `restartPauseMs`. */
  readonly pauseMs: number;
}

/** A hook did not finish within `handlerTimeoutMs`. */
export interface HandlerTimeoutEvent {
  /** Which worker, from 0. */
  readonly shard: number;
  /** `loop`: the thread was stuck and is replaced. `promise`: a hook's promise did not settle. */
  readonly kind: 'loop' | 'promise';
  /** The id of its connection; unknown for a loop. */
  readonly connection?: string;
}

/** A hook threw something else than a `BadMessageError`, or its promise was rejected with it. */
export interface HandlerErrorEvent {
  /** Which worker, from 0. */
  readonly shard: number;
  /** The id of its connection; none in `start` and `stop`. */
  readonly connection?: string;
  /** What was thrown. Error classes do not survive the hop between threads. */
  readonly error: ErrorRecord;
}

/** Workers were replaced on demand, or were to be. */
export interface ReloadEvent {
  /** What was asked for. */
  readonly what: 'reload' | 'resize';
  /** The version that all shards run now. Missing when it failed, and so are the next two. */
  readonly generation?: number;
  /** From the call to the last shard's hand-over, in ms. */
  readonly tookMs?: number;
  /** How long messages waited for it, in the shard where that was longest, in ms. */
  readonly pauseMs?: number;
  /** Why nothing has changed, or why the new version was taken back. */
  readonly error?: ErrorRecord;
}

/** A handshake was refused. */
export interface RejectEvent {
  /** As counted in `stats().rejected`. */
  readonly reason: RejectReason;
  /** The HTTP status line that answered it, such as `403 Forbidden`. */
  readonly status: string;
  /** Path of the request, without its query. */
  readonly path: string;
  /** The peer's IP address, as in the `HandshakeRequest`. */
  readonly remoteAddress: string;
}

/** Event names and their arguments. `Data` is what the upgrade hook returns for a connection. */
// biome-ignore lint/suspicious/noExplicitAny: the hub's own code does not know the type of `data`
export interface HubEvents<Data = any> {
  /** A WebSocket opened. None of its messages has been processed. */
  open: [connection: HubConnection<Data>];
  /** It is gone. 1006 is without a close frame; the reason is the peer's text, or the hub's. */
  close: [connection: HubConnection<Data>, code: number, reason: string];
  /** A peer that did not keep up has taken everything that was queued for it. */
  drain: [connection: HubConnection<Data>];
  /** It is about to be closed to free memory, for being a slow consumer, or for taking the time of others. */
  shed: [connection: HubConnection<Data>, reason: string];
  /** A ping arrived; the engine has answered it. */
  ping: [connection: HubConnection<Data>, payload: Buffer];
  /** A pong arrived. `roundTripMs` is undefined when it answers no ping of {@link HubConnection.ping}. */
  pong: [connection: HubConnection<Data>, payload: Buffer, roundTripMs: number | undefined];
  /** A handshake was refused. */
  reject: [event: RejectEvent];
  /** A user's first connection in the cluster is subscribed to a topic with presence and `joinLeave`. */
  join: [topic: string, userId: string];
  /** The last one is not any more. */
  leave: [topic: string, userId: string];
  /** Subscribers of a topic have missed something that is not kept any more: it goes on behind this position. */
  topicLost: [topic: string, position: Position];
  /** The broker is `up`, `degraded` or `down`, and why. */
  broker: [state: 'up' | 'degraded' | 'down', reason: string];
  /** Something failed in the hub itself. It has been logged; without a listener nothing else happens. */
  error: [error: Error];
  /** A worker ended by itself, or was ended for being stuck. */
  workerExit: [event: WorkerExitEvent];
  /** Another worker took the place of one that ended: with the same event as its `workerExit`. */
  workerRestart: [event: WorkerExitEvent];
  /** A worker died too often: the shard rests, and its connections were closed (1013). */
  workerRest: [event: WorkerRestEvent];
  /** The hub begins to shut down, whoever asked for it: `close()`, or an administrator. */
  draining: [];
  /** `hub.reload()` or `hub.resize()` has ended, one way or the other. */
  reload: [event: ReloadEvent];
  /** A hook took longer than `handlerTimeoutMs`. */
  handlerTimeout: [event: HandlerTimeoutEvent];
  /** A hook threw, or its promise was rejected. */
  handlerError: [event: HandlerErrorEvent];
}

/** What the option `onPing` takes. */
// biome-ignore lint/suspicious/noExplicitAny: as in HubEvents
export type PingListener<Data = any> = (connection: HubConnection<Data>, payload: Buffer) => void;

/** What the option `onPong` takes. `roundTripMs` is as in the event `pong`. */
// biome-ignore lint/suspicious/noExplicitAny: as in HubEvents
export type PongListener<Data = any> = (
  connection: HubConnection<Data>,
  payload: Buffer,
  roundTripMs: number | undefined,
) => void;

/** Names of the hub's events. */
export type HubEventName = keyof HubEvents;

/** Every event; also the names of the diagnostics channels, behind `shardhub:`. */
export const HUB_EVENTS = [
  'open',
  'close',
  'drain',
  'shed',
  'ping',
  'pong',
  'reject',
  'join',
  'leave',
  'topicLost',
  'broker',
  'error',
  'workerExit',
  'workerRestart',
  'workerRest',
  'draining',
  'reload',
  'handlerTimeout',
  'handlerError',
] as const satisfies readonly HubEventName[];

/** What is published on a diagnostics channel. */
export interface HubDiagnostics<Name extends HubEventName = HubEventName> {
  /** The hub that it happened in. */
  readonly hub: object;
  /** The arguments of the event. */
  readonly args: HubEvents[Name];
}
