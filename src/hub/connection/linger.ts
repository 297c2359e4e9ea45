/**
 * What the engine still holds for connections that have been closed. A socket that is ended with a backlog stays in
 * the engine until its peer has read it, or up to 16 seconds: memory that no connection stands for any more.
 */
import type { Counters } from '../../telemetry/counters.js';
import { Deque } from '../../util/deque.js';

/**
 * The engine tears down an ended socket whose peer reads nothing after this time at the latest (measured: 12 to 16 s, with an
 * `idleTimeout` of less than 32 s sooner). One that goes on to read a little gets `idleTimeout` less that time, again and again.
 */
const LINGER_MS = 16_000;

export interface LingerLimits {
  readonly maxBufferedBytes: number;
  /** Seconds; with 0 the engine does not tear down an ended socket whose peer has read a little of the rest. */
  readonly idleTimeout: number;
}

export class Linger {
  readonly #limits: LingerLimits;
  readonly #counters: Counters;
  readonly #sockets = new Deque<{ readonly bytes: number; readonly until: number }>();
  #bytes = 0;

  constructor(limits: LingerLimits, counters: Counters) {
    this.#limits = limits;
    this.#counters = counters;
  }

  /** False when a socket with so many bytes in the engine may not linger: it is to be cut off. */
  admit(bytes: number, now: number): boolean {
    this.#forget(now);
    const { maxBufferedBytes, idleTimeout } = this.#limits;
    // The connection's own bytes are in the counters still.
    if (this.#counters.outboundWeight + this.#bytes > maxBufferedBytes) return false;
    const until = idleTimeout === 0 ? Number.POSITIVE_INFINITY : now + LINGER_MS;
    this.#sockets.push({ bytes, until });
    this.#bytes += bytes;
    return true;
  }

  #forget(now: number): void {
    for (let oldest = this.#sockets.peek(); oldest !== undefined && oldest.until <= now; ) {
      this.#bytes -= oldest.bytes;
      this.#sockets.shift();
      oldest = this.#sockets.peek();
    }
  }
}
