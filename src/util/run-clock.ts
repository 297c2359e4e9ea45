/**
 * How long its thread ran. While a process is stopped, a machine sleeps or some code blocks the thread, everything has to
 * wait that would have come in time: such time is held against nobody. Both threads.
 */

/** So often the loop shows that it runs, in ms; twice as much without a sign is the most that counts. */
const TICK_MS = 50;

export class RunClock {
  readonly #tickMs: number;
  readonly #onTick: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ranMs = 0;
  #startedAt = 0;
  #tickedAt = 0;

  /** @param onTick called every `tickMs` while it goes */
  constructor(onTick?: () => void, tickMs = TICK_MS) {
    this.#onTick = onTick;
    this.#tickMs = tickMs;
  }

  /** Does nothing while it goes. It keeps no process alive. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#ranMs = 0;
    this.#startedAt = this.#tickedAt = performance.now();
    this.#timer = setInterval(this.#tick, this.#tickMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Milliseconds that the thread ran, from the start of the clock to a time of `performance.now()`. */
  ranMs(now = performance.now()): number {
    return this.#ranMs + Math.min(now - this.#tickedAt, 2 * this.#tickMs);
  }

  /** Milliseconds that it did not; 0 while the clock does not go. */
  stalledMs(now: number): number {
    if (this.#timer === undefined) return 0;
    return now - this.#startedAt - this.ranMs(now);
  }

  readonly #tick = (): void => {
    const now = performance.now();
    this.#ranMs = this.ranMs(now);
    this.#tickedAt = now;
    this.#onTick?.();
  };
}
