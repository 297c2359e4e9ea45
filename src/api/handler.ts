/** What a handler module is, and what it is given: the types of `shardhub/worker`. Worker threads. */
import type {
  HistoryOptions,
  HistoryResult,
  PresenceResult,
  PresenceStats,
  PublishResult,
  SubscribeOptions,
  SubscribeResult,
  TopicLoss,
} from './broker.js';
import type { CloseUserOptions } from './close-options.js';
import type { HandshakeRequest } from './handshake-request.js';
import type { HandlerLog } from './logger.js';
import type { PublishOptions } from './publish.js';
import type { SendStatus } from './send-status.js';

/** One message from a client. */
export interface Message {
  /** True for a binary frame, false for a text frame. */
  readonly isBinary: boolean;
  /** Length of the payload in bytes. */
  readonly byteLength: number;
  /** The payload; the handler's to keep. The same array each time. */
  readonly bytes: Uint8Array;
  /** The payload decoded as UTF-8. Decoded on the first call. @throws BadMessageError when it is bytes that are not UTF-8 */
  text(): string;
  /** The payload parsed as JSON. @throws BadMessageError when it is not JSON */
  json(): unknown;
}

/** What can be sent: a string as a text frame, bytes as a binary frame, a message as the same kind of frame. */
export type Data = string | Uint8Array | ArrayBuffer | Message;

/** How a connection publishes. */
export interface ConnectionPublishOptions extends PublishOptions {
  /** Send it to this connection too, if it is subscribed. Default: false. */
  readonly toSelf?: boolean;
}

/**
 * What a hook may return or resolve to: nothing, one reply, or an (async) iterable with one reply per item. A
 * {@link SendResult}, or what `publish` gives, is no reply: it is awaited.
 */
export type ReplyValue =
  | Data
  | undefined
  | null
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook without a return statement has the type void
  | void
  | Iterable<Data | undefined>
  | AsyncIterable<Data | undefined>
  | SendResult
  | PublishResult;

/**
 * What `send` returns: its status at once, and something to await. That resolves when the connection's outbound queue
 * has room for more (`accepted`), or when the connection is gone or closing (`dropped`); never rejects.
 */
export interface SendResult extends PromiseLike<SendStatus> {
  /** How things stand at once, without waiting. */
  readonly status: SendStatus;
}

/**
 * What handlers may do and ask beyond their connection, in every hub of a cluster. What is asked travels with everything else,
 * in order; who does not wait for the answer need not.
 */
export interface HubAccess {
  /**
   * Sends a message to all subscribers of a topic, whatever their worker and their hub. The connection itself is left out
   * unless `toSelf` is true. It works at any time, also in `close`; on `worker`, once `start` has finished.
   *
   * @returns for a topic with history, a promise of the position, which rejects with `ERR_BROKER_UNAVAILABLE`,
   * `ERR_BROKER_BUSY` or `ERR_TOPIC_PAYLOAD`; for others nothing
   * @throws HubError `ERR_TOPIC`, `ERR_DATA_TYPE`, `ERR_ARGUMENT`
   */
  publish(topic: string, data: Data, options?: ConnectionPublishOptions): PublishResult;
  /** A part of a topic's history. @throws HubError `ERR_ARGUMENT`, `ERR_TOPIC`, `ERR_BROKER_UNAVAILABLE` (rejections) */
  history(topic: string, options?: HistoryOptions): Promise<HistoryResult>;
  /** Who is subscribed to a topic. @throws HubError `ERR_ARGUMENT`, `ERR_TOPIC` (rejections) */
  presence(topic: string): Promise<PresenceResult>;
  /** How many are. @throws HubError `ERR_ARGUMENT`, `ERR_TOPIC` (rejections) */
  presenceStats(topic: string): Promise<PresenceStats>;
  /**
   * Sends a message to every connection of a user, in every hub.
   *
   * @returns for how many of this hub it was queued
   * @throws HubError `ERR_DATA_TYPE`, `ERR_ARGUMENT`
   */
  sendToUser(userId: string | number, data: Data): Promise<number>;
  /**
   * Closes every connection of a user, in every hub, after what has been sent before.
   *
   * @returns how many of this hub there were
   * @throws HubError `ERR_CLOSE_ARGUMENT`, `ERR_ARGUMENT`
   */
  disconnectUser(userId: string | number, options?: CloseUserOptions): Promise<number>;
}

/** The worker that a handler lives in. */
export interface WorkerContext<Options = unknown> extends HubAccess {
  /** Which of the hub's workers it is: from 0. A replacement has the number of the one that it replaces. */
  readonly shard: number;
  /** Workers of the hub; 0 when the handler runs on the I/O thread. */
  readonly workers: number;
  /** The option `handlerOptions`, of the handler's own path if it is given there: a copy for each worker. */
  readonly options: Options;
  /** Aborts at a graceful stop, before `stop` is called. */
  readonly signal: AbortSignal;
  /**
   * Aborts when the worker is about to hand its connections over (`hub.reload`, `hub.resize`): what goes on without end,
   * such as a stream, should end now. What has not ended after `reloadTimeoutMs` costs its connection.
   */
  readonly suspending: AbortSignal;
  /** The hub's log: in a hook, as far as it does not wait, with the connection. */
  readonly log: HandlerLog;
}

/** A connection as its handler sees it. Lives in one worker thread. */
// biome-ignore lint/suspicious/noExplicitAny: a handler that declares no type for its state may use it as it likes
export interface Connection<State = any, UpgradeData = unknown> extends HubAccess {
  /** Unique among all connections of a hub; never used again for another peer. */
  readonly id: string;
  /** The handler's own; starts as `undefined`. Lost when the worker is replaced: rebuild it in `open`. */
  state: State;
  /** What the upgrade hook returned for the connection; undefined without one. */
  readonly data: UpgradeData;
  /** The handshake request. */
  readonly request: HandshakeRequest;
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal;
  /** True when the connection was open before and its worker has been replaced since. */
  readonly restarted: boolean;
  /** True when that was a reload or a resize, in which nothing was lost; false when the worker had died. */
  readonly reloaded: boolean;
  /** The hub's log, with the connection. */
  readonly log: HandlerLog;
  /**
   * Sends a message at once; also long after `message` has returned. Await the result to send no faster than the peer
   * reads. Time that a hook spends so does not count for `handlerTimeoutMs`.
   *
   * @throws HubError `ERR_DATA_TYPE` for anything but {@link Data}
   */
  send(data: Data): SendResult;
  /**
   * Subscribes the connection to a topic: it is sent what is published from now on. Lasts until `unsubscribe` or the end
   * of the connection, also when the worker is replaced.
   *
   * @param topic 1 to 255 bytes of UTF-8; where the option `topics` is used, without spaces, control characters, `*` and `>`
   * @throws HubError `ERR_TOPIC`
   */
  subscribe(topic: string): void;
  /**
   * Subscribes it to a topic with history, from a position on: what came since is queued for it, in order, before this
   * resolves, and what follows comes without a gap or a repeat. If it was subscribed before, that ends first.
   *
   * @throws HubError `ERR_TOPIC`, `ERR_ARGUMENT`, `ERR_BROKER_UNAVAILABLE`, `ERR_CONNECTION_CLOSED` (rejections)
   */
  subscribe(topic: string, options: SubscribeOptions): Promise<SubscribeResult>;
  /** Ends a subscription. Does nothing when there is none. @throws HubError `ERR_TOPIC` */
  unsubscribe(topic: string): void;
  /**
   * Closes the connection after what has been sent before. Messages that arrive later are not processed.
   *
   * @param code 1000 (default), another code of RFC 6455 §7.4 that may be sent, or 3000 to 4999
   * @param reason at most 123 bytes of UTF-8; a longer one is cut
   * @throws HubError `ERR_CLOSE_ARGUMENT` for a code that may not be sent
   */
  close(code?: number, reason?: string): void;
}

/** A handler module's default export. Every hook is optional; one of `open`, `message` and `close` is required. */
// biome-ignore lint/suspicious/noExplicitAny: as in Connection
export interface Handler<State = any, UpgradeData = unknown, Options = unknown> {
  /**
   * `'owned'` (default): a message stays readable for as long as the handler keeps it.
   * `'borrowed'`: a message can be read only until its `message` call has finished (or its promise has settled), which
   * saves a copy for handlers that pass messages on without looking at them; reading it later throws
   * `ERR_MESSAGE_EXPIRED`. What was read in time (`bytes`, `text()`) stays readable.
   */
  readonly payload?: 'owned' | 'borrowed';
  /**
   * A worker starts, or the replacement of one that died: before any of its connections. When it throws, rejects or
   * takes longer than `handlerTimeoutMs`, the worker cannot start, as if the module could not be loaded.
   */
  start?(worker: WorkerContext<Options>): void | Promise<void>;
  /**
   * The worker stops, gracefully: all its connections are gone, or another worker has them, and all hooks have finished.
   * Awaited for at most `handlerTimeoutMs` and for what is left of the hub's `drainTimeoutMs`. Not called in a worker that
   * died.
   */
  stop?(worker: WorkerContext<Options>): void | Promise<void>;
  /** A connection opened. Its messages wait until this has finished. What it returns is sent. */
  open?(connection: Connection<State, UpgradeData>): ReplyValue | Promise<ReplyValue>;
  /**
   * A message arrived. What it returns is the reply. The connection's next message waits until this has finished,
   * unless the option `ordering` says otherwise.
   */
  message?(connection: Connection<State, UpgradeData>, message: Message): ReplyValue | Promise<ReplyValue>;
  /**
   * The connection is subscribed to a topic with history that has lost publications before it was sent them: nobody can be
   * sent them any more, as after an outage that was longer than the history reaches. Behind the messages that came before;
   * what was published since may have been sent already. What it returns is sent.
   */
  topicLost?(connection: Connection<State, UpgradeData>, loss: TopicLoss): ReplyValue | Promise<ReplyValue>;
  /** The connection is gone and all its messages have been processed. */
  close?(connection: Connection<State, UpgradeData>, code: number, reason: string): void | Promise<void>;
  /**
   * The connection goes over to another worker (`hub.reload`, `hub.resize`): what this returns is what `resume` gets there,
   * as a structured clone of at most 1 MiB. No hook of the connection runs any more, and nothing it sends is sent.
   */
  suspend?(connection: Connection<State, UpgradeData>): unknown;
  /**
   * Instead of `open`, for a connection that another worker has suspended, perhaps one with another version of the handler.
   * What it returns is sent. Without this hook, or without a value, `open` is called, with `connection.restarted` and
   * `connection.reloaded`.
   */
  resume?(connection: Connection<State, UpgradeData>, value: unknown): ReplyValue | Promise<ReplyValue>;
  /** Behind the last `suspend`: what belongs to the worker itself, for `resumeWorker` of the one that takes its place. */
  suspendWorker?(worker: WorkerContext): unknown;
  /** What the worker before has returned from `suspendWorker`: behind `start`, before the first connection. */
  resumeWorker?(worker: WorkerContext, value: unknown): void | Promise<void>;
}

/** Returns its argument: for the types only. */
// biome-ignore lint/suspicious/noExplicitAny: as in Connection
export function defineHandler<State = any, UpgradeData = unknown, Options = unknown>(
  handler: Handler<State, UpgradeData, Options>,
): Handler<State, UpgradeData, Options> {
  return handler;
}
