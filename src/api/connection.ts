/** A connection as the application sees it on the I/O thread. */
import type { HandshakeRequest } from './handshake-request.js';
import type { Payload } from './payload.js';
import type { SendStatus } from './send-status.js';

/** How a ping is sent. */
export interface PingOptions {
  /** How long the pong is waited for, in ms, from 1 to 86,400,000. Default: 10,000. */
  readonly timeoutMs?: number;
}

/** An open WebSocket, on the I/O thread. `Data` is what the upgrade hook returned for it. */
export interface HubConnection<Data = unknown> {
  /** Unique among all connections of the hub; never used again for another peer. The same as in the worker. */
  readonly id: string;
  /** What the upgrade hook returned; undefined without one. The worker has a copy. */
  readonly data: Data;
  /** `data.userId` as text, as it was when the connection opened. */
  readonly userId: string | undefined;
  /** The handshake request. */
  readonly request: HandshakeRequest;
  /** The peer's IP address. */
  readonly remoteAddress: string;
  /** False once it is closing or gone. */
  readonly isOpen: boolean;
  /** Bytes that it was sent and the kernel has not taken: in its outbound queue and, as of the last look, in the engine. */
  readonly bufferedBytes: number;
  /** Names of the topics that it is subscribed to. */
  readonly topics: string[];
  /** The last round trip that {@link ping} measured, in ms. */
  readonly roundTripMs: number | undefined;
  /**
   * Sends a message, after everything that the hub has accepted for this connection before.
   *
   * @returns `accepted`: on its way; `queued` until the peer has read more (see the event `drain`); or `dropped`: the
   * connection is not open any more, or a policy dropped it
   * @throws HubError `ERR_DATA_TYPE`
   */
  send(data: Payload): SendStatus;
  /**
   * Closes it after what has been sent so far. Messages that wait for their worker are not processed any more. Does
   * nothing when it is closing already.
   *
   * @param code 1000 (default), another code of RFC 6455 §7.4 that may be sent, or 3000 to 4999
   * @param reason at most 123 bytes of UTF-8; a longer one is cut
   * @throws HubError `ERR_CLOSE_ARGUMENT` for a code that may not be sent
   */
  close(code?: number, reason?: string): void;
  /**
   * Sends a ping (RFC 6455 §5.5.2) and waits for its pong.
   *
   * @param payload at most 125 bytes; by default one that no other ping has
   * @returns the round trip in ms
   * @throws HubError `ERR_PING_TIMEOUT`, `ERR_CONNECTION_CLOSED` or `ERR_ARGUMENT` (rejections)
   */
  ping(payload?: string | Uint8Array, options?: PingOptions): Promise<number>;
  /** Subscribes it to a topic. False when it was before, or is not open any more. @throws HubError `ERR_TOPIC` */
  subscribe(topic: string): boolean;
  /** False when it was not subscribed. @throws HubError `ERR_TOPIC` */
  unsubscribe(topic: string): boolean;
}
