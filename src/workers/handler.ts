/**
 * Handler types, and the check of a handler module. This is the package's `shardhub/worker`.
 */
import type { HandshakeRequest } from '../wire/request.js';

/** One message from a client. */
export interface Message {
  /** True for a binary frame, false for a text frame. */
  readonly isBinary: boolean;
  /** Length of the payload in bytes. */
  readonly byteLength: number;
  /** The payload; the handler's to keep. The same array each time. */
  readonly bytes: Uint8Array;
  /** The payload decoded as UTF-8. Decoded on the first call. */
  text(): string;
  /** The payload parsed as JSON. @throws SyntaxError when it is not JSON */
  json(): unknown;
}

/** What can be sent: a string as a text frame, bytes as a binary frame, a message as the same kind of frame. */
export type Data = string | Uint8Array | ArrayBuffer | Message;

/** What a hook may return or resolve to: nothing, one reply, or an (async) iterable with one reply per item. */
export type ReplyValue =
  | Data
  | undefined
  | null
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook without a return statement has the type void
  | void
  | Iterable<Data | undefined>
  | AsyncIterable<Data | undefined>;

/** A connection as its handler sees it. Lives in one worker thread. */
export interface Connection<State = unknown, UpgradeData = unknown> {
  /** Unique among all connections of a hub; never used again for another peer. */
  readonly id: string;
  /** The handler's own; starts as `undefined`. Lost when the worker is replaced: rebuild it in `open`. */
  state: State;
  /** The handshake request. */
  readonly request: HandshakeRequest;
  /** What the hub's `upgrade` hook said of the connection: a copy of its own. `undefined` without one. */
  readonly data: UpgradeData;
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal;
  /** True when the connection was open before and its worker has been replaced since. */
  readonly restarted: boolean;
  /**
   * Sends a message; also long after `message` has returned.
   *
   * @returns false when the connection is known to be gone
   * @throws HubError `ERR_DATA_TYPE` for anything but {@link Data}
   */
  send(data: Data): boolean;
  /**
   * Closes the connection after what has been sent before. Messages that arrive later are not processed.
   *
   * @param code 1000 (default), another code of RFC 6455 §7.4 that may be sent, or 3000 to 4999
   * @param reason at most 123 bytes of UTF-8; a longer one is cut
   * @throws HubError `ERR_CLOSE_ARGUMENT` for a code that may not be sent
   */
  close(code?: number, reason?: string): void;
}

/** A handler module's default export. Every hook is optional, one is required. */
export interface Handler<State = unknown, UpgradeData = unknown> {
  /**
   * `'owned'` (default): a message stays readable for as long as the handler keeps it.
   * `'borrowed'`: a message can be read only until its `message` call has finished (or its promise has settled), which
   * saves a copy for handlers that pass messages on without looking at them; reading it later throws
   * `ERR_MESSAGE_EXPIRED`. What was read in time (`bytes`, `text()`) stays readable.
   */
  readonly payload?: 'owned' | 'borrowed';
  /** A connection opened. Its messages wait until this has finished. What it returns is sent. */
  open?(connection: Connection<State, UpgradeData>): ReplyValue | Promise<ReplyValue>;
  /** A message arrived. What it returns is the reply. The connection's next message waits until this has finished. */
  message?(connection: Connection<State, UpgradeData>, message: Message): ReplyValue | Promise<ReplyValue>;
  /** The connection is gone and all its messages have been processed. */
  close?(connection: Connection<State, UpgradeData>, code: number, reason: string): void | Promise<void>;
}

/** Returns its argument: for the types only. */
export function defineHandler<State = unknown, UpgradeData = unknown>(
  handler: Handler<State, UpgradeData>,
): Handler<State, UpgradeData> {
  return handler;
}

const HOOKS = ['open', 'message', 'close'] as const;

/** Why a module's default export is not a handler, or undefined when it is one. */
export function explainBadHandler(candidate: unknown): string | undefined {
  if (candidate === undefined) return 'it has no default export';
  if (typeof candidate !== 'object' || candidate === null) {
    return 'its default export is not an object with the hooks open, message or close';
  }
  const handler = candidate as Record<string, unknown>;
  const given = HOOKS.filter((hook) => handler[hook] !== undefined);
  if (given.length === 0) return 'its default export has none of the hooks open, message and close';
  const bad = given.find((hook) => typeof handler[hook] !== 'function');
  if (bad !== undefined) return `its hook ${bad} is not a function`;
  if (handler.payload !== undefined && handler.payload !== 'owned' && handler.payload !== 'borrowed') {
    return 'its payload is neither "owned" nor "borrowed"';
  }
  return undefined;
}

export type { HandshakeRequest };
