/** A seeded random source, so that a failing run can be run again (mulberry32). Any thread. */
export class Prng {
  #state: number;

  /** The same seed, an integer, gives the same numbers. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1, less 1. */
  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1));
  }

  /** True so often, from 0 (never) to 1 (always). */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)]!;
  }
}
