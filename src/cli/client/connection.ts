/** One WebSocket connection as a client, on the `ws` package, which no other file knows. It says exactly once how it ended. */
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from '#vendor/ws';
import { type Header, mergeHeaders } from '../flags/values.js';
import { describeAnswer, describeError, describeTimeout, type Failure } from './failure.js';

export interface Target {
  readonly url: URL;
  readonly headers: readonly Header[];
  readonly subprotocols: readonly string[];
  readonly origin: string | undefined;
  readonly isInsecure: boolean;
  /** Bytes. */
  readonly maxPayload: number;
  readonly handshakeTimeoutMs: number;
}

export type End =
  /** 1005: without a code; 1006: without a close frame (RFC 6455 §7.4.1). */
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** It was cut off on this side before it was open. */
  | { readonly kind: 'aborted' };

export interface ConnectionListener {
  onOpen(connection: Connection): void;
  onMessage(data: Buffer, isBinary: boolean): void;
  onPong(): void;
  onEnd(end: End): void;
}

/** Milliseconds that a close frame waits for its answer, and for the end of the TCP connection. */
export const CLOSE_TIMEOUT_MS = 1000;
/** Bytes of the body of an answer other than 101 that are kept. */
const MAX_BODY_BYTES = 1000;
/** Bytes: above this, a sender waits until the socket has taken them. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const NORMAL = 1000;
const ABNORMAL = 1006;

export class Connection {
  readonly #target: Target;
  readonly #listener: ConnectionListener;
  readonly #socket: WebSocket;
  readonly #handshakeTimer: NodeJS.Timeout;
  #answer: IncomingMessage | undefined;
  #failure: Failure | undefined;
  #isAborted = false;

  constructor(target: Target, listener: ConnectionListener) {
    this.#target = target;
    this.#listener = listener;
    // The types of the package know neither a header that is sent more than once, nor the last option.
    const options: ClientOptions & { closeTimeout: number } = {
      headers: mergeHeaders(target.headers) as Record<string, string>,
      origin: target.origin,
      rejectUnauthorized: !target.isInsecure,
      maxPayload: target.maxPayload,
      perMessageDeflate: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
    };
    const socket = new WebSocket(target.url, [...target.subprotocols], options);
    this.#socket = socket;
    this.#handshakeTimer = setTimeout(() => this.#onHandshakeTimeout(), target.handshakeTimeoutMs);
    socket.on('open', () => {
      clearTimeout(this.#handshakeTimer);
      listener.onOpen(this);
    });
    socket.on('message', (data, isBinary) => listener.onMessage(data as Buffer, isBinary));
    socket.on('pong', () => listener.onPong());
    socket.on('unexpected-response', (_request, response) => this.#onAnswer(response));
    socket.on('error', (error) => this.#fail(describeError(error, target.url, target.maxPayload)));
    socket.on('close', (code, reason) => this.#onClose(code, reason.toString()));
  }

  /** What the server chose, or an empty string. */
  get subprotocol(): string {
    return this.#socket.protocol;
  }

  /** Resolves at once, or, with much unsent, when the socket has taken it or is gone. */
  async send(data: string | Uint8Array): Promise<void> {
    if (this.#socket.bufferedAmount < MAX_BUFFERED_BYTES) this.#socket.send(data, () => {});
    else await new Promise<void>((resolve) => this.#socket.send(data, () => resolve()));
  }

  ping(): void {
    this.#socket.ping();
  }

  /** Sends a close frame; without an answer within {@link CLOSE_TIMEOUT_MS} the connection ends with 1006. */
  close(): void {
    this.#socket.close(NORMAL);
  }

  /** Ends it without a close frame. */
  abort(): void {
    this.#isAborted = true;
    this.#socket.terminate();
  }

  #onHandshakeTimeout(): void {
    // With a status in hand, the answer is more telling than the timeout.
    if (this.#answer !== undefined) this.#answer.destroy();
    else {
      this.#fail(describeTimeout('no handshake', this.#target.handshakeTimeoutMs));
      this.#socket.terminate();
    }
  }

  async #onAnswer(response: IncomingMessage): Promise<void> {
    this.#answer = response;
    const body = await readBegin(response);
    const { location } = response.headers;
    this.#fail(
      describeAnswer({
        status: response.statusCode ?? 0,
        body,
        ...(location === undefined ? {} : { location }),
      }),
    );
    this.#socket.terminate();
  }

  /** The first failure is the cause, others follow from it. */
  #fail(failure: Failure): void {
    this.#failure ??= failure;
  }

  #onClose(code: number, reason: string): void {
    clearTimeout(this.#handshakeTimer);
    if (this.#isAborted) this.#listener.onEnd({ kind: 'aborted' });
    else if (this.#failure !== undefined) this.#listener.onEnd({ kind: 'failed', failure: this.#failure });
    else this.#listener.onEnd({ kind: 'closed', code, reason });
  }
}

/** Whether a connection was closed with close frames. */
export function isClean(end: End): boolean {
  return end.kind === 'closed' && end.code !== ABNORMAL;
}

/** The begin of a body, however it ends. */
function readBegin(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_BODY_BYTES) response.destroy();
    });
    response.on('error', () => {});
    response.on('close', () => {
      const text = Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString();
      resolve(size > MAX_BODY_BYTES ? `${text}…` : text);
    });
  });
}
