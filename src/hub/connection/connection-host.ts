/** What a connection needs of the parts around it. Types only; `C` is the connection. */
import type { Counters } from '../../telemetry/counters.js';
import type { RunClock } from '../../util/run-clock.js';
import type { ConnectionLimits } from './connection-limits.js';
import type { ReadMeter } from './read-meter.js';

/** What a connection needs of its hub; one object for all connections. */
export interface ConnectionHost<C> {
  /** One for all: it is read one socket at a time. */
  readonly meter: ReadMeter;
  readonly clock: RunClock;
  readonly limits: ConnectionLimits;
  readonly counters: Counters;
  /** The peer is gone: whoever knows the connection has to forget it. `isByHub`: the hub closed it. */
  onGone(connection: C, code: number, reason: string, isByHub: boolean): void;
  /** It is not read any more: `connection.resume()` is asked, turn by turn, until it is. */
  onPaused(connection: C): void;
  /** What is in flight in the whole process is over its bound: sheds until it is not. */
  relieve(): void;
  /** False when a closed socket may not stay in the engine until its peer has read so many bytes. */
  mayLinger(bytes: number): boolean;
  /** Runs `connection.flush()` soon, outside the engine's callbacks. */
  flushSoon(connection: C): void;
  /** A peer that did not keep up has taken everything. */
  onDrained(connection: C): void;
  /** It was closed to free memory, or for being a slow consumer. */
  onShed(connection: C, reason: string): void;
  onPing(connection: C, payload: Uint8Array): void;
  /** @returns true when it answers a ping of the application */
  onPong(connection: C, payload: Uint8Array): boolean;
}

/** The shard's side of a connection. */
export interface MessageSink<C> {
  /** Which shard, from 0. */
  readonly index: number;
  /** The payload is a range of a source, as for `SocketListener.onMessage`. */
  pushMessage(
    connection: C,
    source: Uint8Array,
    start: number,
    end: number,
    mask: number,
    isBinary: boolean,
  ): void;
  /**
   * A topic of the connection has lost publications.
   *
   * @param loss a `TopicLoss` as JSON
   * @returns false when its handler wants to know, and is not told: so much is in flight already
   */
  tellLost(connection: C, loss: Uint8Array, maxInFlight: number): boolean;
  /** Forgets the messages that no worker has seen. */
  dropMessages(connection: C): void;
  /** The peer is gone, and the worker has to know. */
  connectionGone(connection: C, code: number, reason: string): void;
  /** The socket was looked at, and the worker waits for room. */
  grantCredit(connection: C): void;
}

/** Where a connection comes from and belongs. */
export interface ConnectionOrigin<C> {
  readonly slot: number;
  readonly generation: number;
  readonly shard: MessageSink<C>;
  /** The handshake request as JSON, for `open` in a worker. */
  readonly request: string;
  readonly route: ConnectionRoute;
  readonly remoteAddress: string;
  /** What the upgrade hook returned for it. */
  readonly data: unknown;
  /** What keeps it on one shard with others. */
  readonly affinity?: string | undefined;
  /** True for a connection that lives for one HTTP request. */
  readonly isVirtual: boolean;
}

/** The path that a connection came in by, and how many are open on it. */
export interface ConnectionRoute {
  readonly path: string;
  /** Place of its handler among those that every worker loads. */
  readonly handlerIndex: number;
  connections: number;
}
