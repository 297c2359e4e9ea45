/**
 * How long a worker's event loop takes to answer: a probe is posted to its thread, which answers as soon as its loop
 * gets to it. An upper bound of that loop's delay, since the way there and back counts too. I/O thread.
 */
export class LoopProbe {
  #sentAt: number | undefined;
  #lastMs: number | undefined;

  /** True when a probe is to be posted now: none is on its way. */
  start(): boolean {
    if (this.#sentAt !== undefined) return false;
    this.#sentAt = performance.now();
    return true;
  }

  onAnswer(): void {
    if (this.#sentAt === undefined) return;
    this.#lastMs = performance.now() - this.#sentAt;
    this.#sentAt = undefined;
  }

  /** Milliseconds: the last answer's, or how long the one on its way has been waited for. Undefined before the first. */
  delayMs(): number | undefined {
    return this.#sentAt === undefined ? this.#lastMs : performance.now() - this.#sentAt;
  }
}
