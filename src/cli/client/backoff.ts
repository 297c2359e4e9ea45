/** How long to wait before connecting again: exponential backoff with full jitter. */

/** Milliseconds: no wait is drawn from more than 0 to `CAP_MS`; the first one from 0 to `BASE_MS`. */
export const BASE_MS = 500;
export const CAP_MS = 30_000;
/** Milliseconds: a connection that was open for so long starts over at `BASE_MS`. */
export const STABLE_MS = 10_000;

export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** The next wait in milliseconds, after a connection that was open for `openMs` (0 when it never was). */
  next(openMs: number): number {
    if (openMs >= STABLE_MS) this.#failures = 0;
    const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** this.#failures++);
    return Math.floor(this.#random() * ceiling);
  }
}
