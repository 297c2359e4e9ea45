/** The handle of a connection that applications hold. I/O thread. */
import { CloseCode } from '../../api/close-codes.js';
import type { HubConnection, PingOptions } from '../../api/connection.js';
import type { HandshakeRequest } from '../../api/handshake-request.js';
import type { Payload } from '../../api/payload.js';
import type { SendStatus } from '../../api/send-status.js';
import { checkCloseCode } from '../../wire/close.js';
import { decodeHandshake } from '../../wire/request.js';
import type { Connection } from '../connection/connection.js';
import { toPayload } from '../connection/payload.js';

/** What it needs of its hub. */
export interface ConnectionHandleHost {
  subscribe(connection: Connection, topic: string): boolean;
  unsubscribe(connection: Connection, topic: string): boolean;
  ping(connection: Connection, payload: string | Uint8Array | undefined, timeoutMs: number): Promise<number>;
}

const PING_TIMEOUT_MS = 10_000;

export class ConnectionHandle implements HubConnection {
  readonly #connection: Connection;
  readonly #host: ConnectionHandleHost;
  #request: HandshakeRequest | undefined;

  constructor(connection: Connection, host: ConnectionHandleHost) {
    this.#connection = connection;
    this.#host = host;
  }

  get id(): string {
    return this.#connection.id;
  }

  get data(): unknown {
    return this.#connection.data;
  }

  get userId(): string | undefined {
    return this.#connection.member?.userId;
  }

  get request(): HandshakeRequest {
    this.#request ??= decodeHandshake(this.#connection.request).request;
    return this.#request;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  get topics(): string[] {
    return [...(this.#connection.member?.topics ?? [])];
  }

  get roundTripMs(): number | undefined {
    return this.#connection.member?.roundTripMs;
  }

  send(data: Payload): SendStatus {
    const { bytes, isBinary } = toPayload(data);
    return this.#connection.send(bytes, isBinary);
  }

  close(code: number = CloseCode.Normal, reason = ''): void {
    checkCloseCode(code);
    this.#connection.closeAfterQueue(code, String(reason));
  }

  ping(payload?: string | Uint8Array, { timeoutMs = PING_TIMEOUT_MS }: PingOptions = {}): Promise<number> {
    return this.#host.ping(this.#connection, payload, timeoutMs);
  }

  subscribe(topic: string): boolean {
    return this.#host.subscribe(this.#connection, topic);
  }

  unsubscribe(topic: string): boolean {
    return this.#host.unsubscribe(this.#connection, topic);
  }
}
