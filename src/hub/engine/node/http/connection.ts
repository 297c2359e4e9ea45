/**
 * The requests of one connection that have not been answered, or whose answer has not left. node:http hands over all that
 * came in one read, and reads on while answers wait for their client: who asks for more than it takes is cut off here.
 */
import type { Socket } from 'node:net';

/** What a connection tells its requests. */
export interface Answering {
  /** Its body has not come whole, and nothing of an answer has been given. */
  readonly isAtBody: boolean;
  /** The client is gone. */
  abort(): void;
}

/**
 * Requests that may wait for their answer to leave, or come in one turn of the loop. Objects of node:http, and 64 KiB for
 * each read: with 256, twenty clients that pipeline POST /echo and read nothing made the process grow by 82 MiB, and with
 * 64 by 27.
 */
const MAX_REQUESTS = 64;
/** Bytes of answers that may wait before another request is taken. */
const MAX_OWED_BYTES = 1024 * 1024;
/** Nothing of an answer leaves, or nothing of a body comes, for so long: the client is cut off. */
const STALL_MS = 10_000;

export class HttpConnection {
  readonly #socket: Socket;
  readonly #onError: (error: unknown) => void;
  readonly #open = new Set<Answering>();
  #owedBytes = 0;
  #inTurn = 0;
  /** What comes behind it is not looked at. */
  #isLast = false;

  constructor(socket: Socket, onError: (error: unknown) => void) {
    this.#socket = socket;
    this.#onError = onError;
    socket.once('close', () => {
      for (const request of this.#open) request.abort();
    });
  }

  /** True when a request is to be served. */
  admit(): boolean {
    if (this.#isLast) return false;
    if (++this.#inTurn === 1)
      setImmediate(() => {
        this.#inTurn = 0;
      });
    const isFlood = Math.max(this.#inTurn, this.#open.size) > MAX_REQUESTS;
    if (isFlood || this.#owedBytes > MAX_OWED_BYTES) this.#socket.destroy();
    return !this.#socket.destroyed;
  }

  add(request: Answering): void {
    this.#open.add(request);
  }

  /** True while an answer has not left. */
  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  /** True when what comes is the body of the one request that waits: its fault may be answered. */
  get isAtBody(): boolean {
    const [first] = this.#open;
    return this.#open.size === 1 && first!.isAtBody;
  }

  /** No request is taken behind this one. */
  closeBehind(): void {
    this.#isLast = true;
  }

  /** So many bytes are to leave. */
  owe(bytes: number): void {
    this.#owedBytes += bytes;
  }

  /** From now on the client has to take, or to send, something within some time. */
  expectProgress(): void {
    this.#socket.setTimeout(STALL_MS);
  }

  expectNothing(): void {
    this.#socket.setTimeout(0);
  }

  /** The answer has left. */
  remove(request: Answering, bytes: number): void {
    this.#open.delete(request);
    this.#owedBytes -= bytes;
    // Between requests the time is node:http's own.
    if (this.#open.size > 0) this.expectNothing();
  }

  fail(error: unknown): void {
    this.#onError(error);
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get isGone(): boolean {
    return this.#socket.destroyed;
  }
}
