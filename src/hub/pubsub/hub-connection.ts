/** A connection as the application sees it on the front end thread. */
import { CloseCode } from '../../api/close-codes.js';
import { checkCloseCode } from '../../wire/close.js';
import { decodeHandshake, type HandshakeRequest } from '../../wire/request.js';
import type { Connection } from '../connection/connection.js';
import type { SendStatus } from '../connection/connection-state.js';
import { type Payload, toPayload } from '../connection/payload.js';

/** What it needs of its hub. */
export interface HubConnectionHost {
  subscribe(connection: Connection, topic: string): boolean;
  unsubscribe(connection: Connection, topic: string): boolean;
  ping(connection: Connection, payload: string | Uint8Array | undefined, timeoutMs: number): Promise<number>;
}

/** How a ping is sent. */
export interface PingOptions {
  /** How long the pong is waited for, in ms, from 1 to 86,400,000. Default: 10,000. */
  readonly timeoutMs?: number;
}

const PING_TIMEOUT_MS = 10_000;

/** An open WebSocket, on the front end thread. `Data` is what the upgrade hook returned for it. */
export class HubConnection<Data = unknown> {
  readonly #connection: Connection;
  readonly #host: HubConnectionHost;
  #request: HandshakeRequest | undefined;

  /** @internal */
  constructor(connection: Connection, host: HubConnectionHost) {
    this.#connection = connection;
    this.#host = host;
  }

  /** Unique among all connections of the hub; never used again for another peer. The same as in the worker. */
  get id(): string {
    return this.#connection.id;
  }

  /** What the upgrade hook returned; undefined without one. The worker has a copy. */
  get data(): Data {
    return this.#connection.data as Data;
  }

  /** `data.userId` as text, as it was when the connection opened. */
  get userId(): string | undefined {
    return this.#connection.member?.userId;
  }

  /** The handshake request. */
  get request(): HandshakeRequest {
    this.#request ??= decodeHandshake(this.#connection.request).request;
    return this.#request;
  }

  /** The peer's IP address. */
  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  /** False once it is closing or gone. */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** Bytes that it was sent and the kernel has not taken: in its outbound queue and, as of the last look, in the engine. */
  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  /** Names of the topics that it is subscribed to. */
  get topics(): string[] {
    return [...(this.#connection.member?.topics ?? [])];
  }

  /** The last round trip that {@link ping} measured, in ms. */
  get roundTripMs(): number | undefined {
    return this.#connection.member?.roundTripMs;
  }

  /**
   * Sends a message, after everything that the hub has accepted for this connection before.
   *
   * @returns `accepted`: on its way; `queued` until the peer has read more (see the event `drain`); or `dropped`: the
   * connection is not open any more, or a policy dropped it
   * @throws HubError `ERR_DATA_TYPE`
   */
  send(data: Payload): SendStatus {
    const { bytes, isBinary } = toPayload(data);
    return this.#connection.send(bytes, isBinary);
  }

  /**
   * Closes it after what has been sent so far. Messages that wait for their worker are not processed any more. Does
   * nothing when it is closing already.
   *
   * @param code 1000 (default), another code of RFC 6455 §7.4 that may be sent, or 3000 to 4999
   * @param reason at most 123 bytes of UTF-8; a longer one is cut
   * @throws HubError `ERR_CLOSE_ARGUMENT` for a code that may not be sent
   */
  close(code: number = CloseCode.Normal, reason = ''): void {
    checkCloseCode(code);
    this.#connection.closeAfterQueue(code, String(reason));
  }

  /**
   * Sends a ping (RFC 6455 §5.5.2) and waits for its pong.
   *
   * @param payload at most 125 bytes; by default one that no other ping has
   * @returns the round trip in ms
   * @throws HubError `ERR_PING_TIMEOUT`, `ERR_CONNECTION_CLOSED` or `ERR_ARGUMENT` (rejections)
   */
  ping(payload?: string | Uint8Array, { timeoutMs = PING_TIMEOUT_MS }: PingOptions = {}): Promise<number> {
    return this.#host.ping(this.#connection, payload, timeoutMs);
  }

  /** Subscribes it to a topic. False when it was before, or is not open any more. @throws HubError `ERR_TOPIC` */
  subscribe(topic: string): boolean {
    return this.#host.subscribe(this.#connection, topic);
  }

  /** False when it was not subscribed. @throws HubError `ERR_TOPIC` */
  unsubscribe(topic: string): boolean {
    return this.#host.unsubscribe(this.#connection, topic);
  }
}
