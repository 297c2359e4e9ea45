/** Counts a worker's deaths: too many within a time mean that starting it again does not help. Pure. */
export interface BreakerLimits {
  readonly maxRestarts: number;
  readonly restartWindowMs: number;
}

export class Breaker {
  readonly #limits: BreakerLimits;
  #deaths: number[] = [];

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  /** Counts a death. True when it is one too many: the worker rests, and the count starts over. */
  trips(now: number): boolean {
    const { maxRestarts, restartWindowMs } = this.#limits;
    this.#deaths = this.#deaths.filter((at) => now - at < restartWindowMs);
    this.#deaths.push(now);
    if (this.#deaths.length <= maxRestarts) return false;
    this.#deaths = [];
    return true;
  }
}
