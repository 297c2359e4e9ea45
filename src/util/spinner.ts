/**
 * Looks in a loop for what comes soon, so that a thread need not sleep and be woken. The I/O thread and each worker have one
 * of their own, behind one gate for all: see spin-gate.ts of the hub.
 *
 * With `auto` it looks only while that pays: too many looks without a hit, or with one that came late, make it pause, for
 * twice as long each time.
 */

/** How long to look in a loop before sleeping, in µs; 0 is off. */
export type Spin = number | 'auto';

/**
 * Twice what waking a thread takes (30 to 50 µs, docs/performance.md): of two threads that wait for each other, one that
 * looks so long gets the other one going.
 */
const LOOK_MS = 0.1;
/** Looks that find something, of all. */
const MIN_HIT_RATE = 0.25;
/** How much a look weighs: after 44 misses in a row it pauses. */
const WEIGHT = 1 / 32;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1600;
/** After so many looks without a pause, the next pause is a short one again. */
const STEADY_LOOKS = 200;

/** What the gate says: nobody may look, the I/O thread alone, or workers too. */
export const MayLook = { Nobody: 0, IoThread: 1, All: 2 } as const;

/** What looking has come to. */
export interface SpinCounts {
  looks: number;
  lookHits: number;
}

const systemNow = () => performance.now();

export class Spinner {
  readonly #gate: Int32Array;
  readonly #level: number;
  readonly #counts: SpinCounts;
  readonly #now: () => number;
  readonly #isAuto: boolean;
  readonly #lookMs: number;
  #hitRate = 1;
  #looks = 0;
  #pausedUntil = 0;
  #pauseMs = MIN_PAUSE_MS;

  /**
   * @param gate one word, shared: which threads may look
   * @param level the least that it has to say for this one
   */
  constructor(spin: Spin, gate: Int32Array, level: number, counts: SpinCounts, now = systemNow) {
    this.#gate = gate;
    this.#level = level;
    this.#counts = counts;
    this.#now = now;
    this.#isAuto = spin === 'auto';
    this.#lookMs = spin === 'auto' ? LOOK_MS : spin / 1000;
  }

  /** True once it is there; false when it did not come in time, or is not looked for. hot: before each sleep. */
  look(isThere: () => boolean): boolean {
    if (Atomics.load(this.#gate, 0) < this.#level) return false;
    let now = this.#now();
    if (now < this.#pausedUntil) return false;
    const end = now + this.#lookMs;
    let isHit: boolean;
    do {
      isHit = isThere();
      now = this.#now();
    } while (!isHit && now < end);
    this.#counts.looks++;
    if (isHit) this.#counts.lookHits++;
    // A late hit is none: the thread was kept from its core meanwhile.
    if (this.#isAuto) this.#learn(isHit && now < end, now);
    return isHit;
  }

  #learn(isHit: boolean, now: number): void {
    this.#hitRate += ((isHit ? 1 : 0) - this.#hitRate) * WEIGHT;
    if (++this.#looks === STEADY_LOOKS) this.#pauseMs = MIN_PAUSE_MS;
    if (this.#hitRate >= MIN_HIT_RATE) return;
    this.#hitRate = 1;
    this.#looks = 0;
    this.#pausedUntil = now + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }
}
