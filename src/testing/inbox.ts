/** What a peer was sent, for a test to take one by one. Any thread. */
import type { PeerEvents, Received } from './peer.js';

/** How a connection ended. */
export interface Closed {
  /** Of the close frame (RFC 6455 §7.4); 1006 when there was none. */
  readonly code: number;
  /** Of the close frame; empty when there was none. */
  readonly reason: string;
}

export class Inbox implements PeerEvents {
  /** Messages that have come and that nobody has taken. */
  readonly received: Received[] = [];
  readonly closed: Promise<Closed>;
  readonly #explain: () => unknown;
  #waiting: { resolve(message: Received): void; reject(error: Error): void }[] = [];
  #end: Closed | undefined;
  #onClosed: (closed: Closed) => void = () => {};

  /** @param explain why the handler may have ended the connection */
  constructor(explain: () => unknown) {
    this.#explain = explain;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  next(): Promise<Received> {
    const message = this.received.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#end !== undefined) return Promise.reject(this.#over(this.#end));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  onMessage(message: Received): void {
    const first = this.#waiting.shift();
    if (first === undefined) this.received.push(message);
    else first.resolve(message);
  }

  onClose(code: number, reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = { code, reason };
    this.#onClosed(this.#end);
    // The log has the reason only after what closed the connection.
    setImmediate(() => {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#over({ code, reason }));
    });
  }

  #over({ code, reason }: Closed): Error {
    const cause = this.#explain();
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    const text = `there is no next message: the connection was closed with ${code} ${JSON.stringify(reason)}${why}`;
    return new Error(text, { cause });
  }
}
