/**
 * The broker: what carries publications between hubs, keeps the history of topics, and lets hubs talk to each other. One
 * port, with an implementation for each engine behind it; what all of them have in common (fan-out to connections, gaps,
 * recovery, presence) is above it, in `hub/cluster`. I/O thread.
 *
 * # The contract
 *
 * **Following.** A node is given what is published on a topic from the moment that `follow` has resolved until `unfollow`, and
 * nothing of any other topic. It follows a topic once, however many connections of it are subscribed.
 *
 * **Plain topics** (`publish`): at most once. Publications of one node arrive in their order. A node is never given its own:
 * it has served its connections itself, also while the engine is away.
 *
 * **Topics with history** (`append`): there is one order for everybody. Offsets strictly increase within an epoch; they need
 * not be contiguous. The publication comes back to every node that follows the topic, the publishing one too, each with the
 * offset of the one before it on its topic (`previous`): whoever is given one whose `previous` it has not seen has missed
 * something, which is in the history. Two that were published in the same moment may come the wrong way round, which looks
 * like that. What is given live is given at most once.
 *
 * - `append` resolves with the position once the engine has the publication for good, or rejects. After
 *   `ERR_BROKER_UNAVAILABLE` it may have happened all the same: a repeat with the same `id` within {@link ID_MEMORY_MS}
 *   resolves with the position of the first and is not published again. `ERR_BROKER_BUSY`, `ERR_TOPIC_PAYLOAD` and
 *   `ERR_TOPIC` mean that it has not.
 * - The epoch changes whenever a position that was told might name another publication than before, or none: after the
 *   history was lost, restored or made anew.
 * - `read` sees every publication whose `append` has resolved anywhere before it was called. `reachesBack` is true only if
 *   nothing that was ever published after `since` is missing at the beginning: not knowing is false.
 *
 * **Signals** are small messages between nodes: at most once, in order for each sender, given to every other node that listens
 * on the channel.
 *
 * **Bounds.** What waits to be sent is bounded by {@link MAX_WAITING_BYTES} and then refused (`busy`, `ERR_BROKER_BUSY`). No
 * promise is pending for longer than the time limit of the implementation. Nothing is thrown from a call that is no promise.
 *
 * **When the engine is away** the state says so. Once it is back, and whenever something may have been missed in between, the
 * implementation follows everything again by itself and calls `onResumed`: positions are to be looked at.
 */
import type { Position } from '../api/broker.js';

/** Bytes that may wait to be sent to the engine. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** How long a repeated `id` is recognized. */
export const ID_MEMORY_MS = 120_000;

/** What of a topic is kept: the newest `size` publications, each for at most `ttlMs`. */
export interface HistoryBounds {
  readonly size: number;
  readonly ttlMs: number;
}

export interface BrokerMessage {
  /** Not changed any more by anybody. */
  readonly data: Uint8Array;
  readonly isBinary: boolean;
  /** In the queue of a slow peer it replaces an earlier message with the same key. */
  readonly key?: string | undefined;
  /** Ids of connections of the publishing node that are not given it live. */
  readonly except?: readonly string[] | undefined;
}

export interface BrokerPublication {
  readonly offset: number;
  /** Id of the node that published it. */
  readonly node: string;
  readonly message: BrokerMessage;
}

/** What a history holds. */
export interface HistoryRead {
  /** Oldest first. */
  readonly publications: readonly BrokerPublication[];
  /** The topic's, as of the reading: not before the last of them. */
  readonly position: Position;
  /** True when nothing is missing between `since` and the first of them; true without a `since`. */
  readonly reachesBack: boolean;
  /** True when there are more behind the last of them. */
  readonly hasMore: boolean;
}

/** up: everything works; degraded: something does not, and is said in words; down: the engine cannot be reached. */
export type BrokerState = 'up' | 'degraded' | 'down';

/** What became of a message that nobody answers for. */
export type SendVerdict = 'sent' | 'away' | 'busy' | 'too-large';

/** What a broker needs of its hub. */
export interface BrokerHost {
  /** Id of this node: no other one in the cluster ever has it. */
  readonly node: string;
  /** Bounds of the histories that the options name: a broker may make them ready when it starts. */
  readonly histories: readonly HistoryBounds[];
  /** Of a topic with history; undefined for another one, and for what is no name of a topic. */
  boundsOf(topic: string): HistoryBounds | undefined;
  /** Of a plain topic, from another node. */
  onMessage(topic: string, message: BrokerMessage): void;
  /** Of a topic with history, from any node. */
  onPublication(topic: string, publication: BrokerPublication, previous: number, epoch: string): void;
  /** From another node. */
  onSignal(channel: string, bytes: Uint8Array): void;
  /** @param reason in words, without credentials; empty when it is up */
  onState(state: BrokerState, reason: string): void;
  /** Live publications may have been missed: every position is to be looked at. */
  onResumed(): void;
}

/** Gauges and counters of a broker. */
export interface BrokerStats {
  /** Gauge: bytes that wait to be sent. */
  readonly waitingBytes: number;
  /** Messages on the cluster's subjects that were none of ours, or of a version that this one does not know. */
  readonly foreign: number;
}

export interface Broker {
  /** Of the engine: `memory`, `nats`, … */
  readonly name: string;
  /** False when there can be no other node: then nothing needs to be published for others, nor followed. */
  readonly hasOthers: boolean;
  /** Bytes of the largest message that the engine takes. */
  readonly maxMessageBytes: number;
  /** Connects. @throws HubError `ERR_BROKER` when the engine cannot be used: it refuses, or is not there */
  start(host: BrokerHost): Promise<void>;
  /** Ends everything, after what waits has been sent, in bounded time. Nothing is given to the host any more. */
  close(): Promise<void>;
  stats(): BrokerStats;

  /** @throws HubError `ERR_BROKER_UNAVAILABLE` (rejection): it is followed all the same, as soon as the engine is back */
  follow(topic: string, bounds: HistoryBounds | undefined): Promise<void>;
  unfollow(topic: string, bounds: HistoryBounds | undefined): void;
  /** hot: once per publication of a plain topic. */
  publish(topic: string, message: BrokerMessage): SendVerdict;

  /** @throws HubError `ERR_BROKER_UNAVAILABLE`, `ERR_BROKER_BUSY`, `ERR_TOPIC_PAYLOAD` (rejections) */
  append(
    topic: string,
    message: BrokerMessage,
    bounds: HistoryBounds,
    id: string | undefined,
  ): Promise<Position>;
  /**
   * @param since without it, or with one of another epoch, the newest `limit` publications are read; with it the oldest
   * `limit` of those after it
   * @throws HubError `ERR_BROKER_UNAVAILABLE` (rejection)
   */
  read(
    topic: string,
    bounds: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead>;

  /** From here on this node is given the signals of a channel. */
  listen(channel: string): Promise<void>;
  unlisten(channel: string): void;
  signal(channel: string, bytes: Uint8Array): SendVerdict;
}
