/**
 * Whether the hub's threads may look in a loop before they sleep (`spin`). With `auto` the I/O thread decides for all: few
 * records are in flight, else there is hardly a sleep to save, and cores are idle, else those that look keep others waiting.
 *
 * On two cores, beside a load generator, looking for 50 µs gave one connection with one message in flight 1.6 times as many
 * round trips, two (0.86 cores idle without it) 2.1, three (0.69) 1.4, four (0.61) 0.9 and 1.3 where the I/O thread looks
 * alone, five (0.52) 0.7, ten (0.2) 0.8. What does not tell the one from the other: involuntary context switches, 9,900 a
 * second with one connection and 2,100 with ten.
 */
import { IdleCores, usableCores } from '../../util/idle-cores.js';
import { MayLook, type Spin } from '../../util/spinner.js';

/** Most records in flight, in the mean of when the I/O thread is about to sleep, for it to look; and for workers too. */
const FEW = 4;
const VERY_FEW = 2;
const WEIGHT = 1 / 16;
/** What has to be idle while nobody looks, and what is left while some do. */
const MIN_IDLE_CORES = 0.6;
const MIN_LEFT_CORES = 0.15;
/** Between two looks at the cores while the gate is open. Idle time comes in steps of 10 ms. */
const CHECK_MS = 250;
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1600;

/** Where time and idle cores come from. */
export interface SpinSource {
  now(): number;
  /** Mean since the last time that it was asked for. */
  idleCores(now: number): number;
}

const system = (cores: number): SpinSource => {
  const meter = new IdleCores(cores);
  return { now: () => performance.now(), idleCores: (now) => meter.read(now) };
};

export class SpinGate {
  /** Shared with the workers: one of `MayLook`. */
  readonly word = new Int32Array(new SharedArrayBuffer(4));
  readonly #source: SpinSource | undefined;
  #inFlight = 0;
  #isIdle = false;
  #checkAt = 0;
  #pauseMs = MIN_PAUSE_MS;

  constructor(spin: Spin, workers: number, makeSource = system, cores = usableCores()) {
    // Without a worker, nothing comes while the only thread looks.
    if (spin !== 'auto') this.word[0] = spin > 0 && workers > 0 ? MayLook.All : MayLook.Nobody;
    // Threads that cannot all run at a time would keep each other waiting.
    else if (workers > 0 && cores >= workers + 1) {
      this.#source = makeSource(cores);
      this.#checkAt = this.#source.now() + MIN_PAUSE_MS;
    }
  }

  /** The I/O thread is about to sleep while so many records are in flight. */
  update(inFlight: number): void {
    const source = this.#source;
    if (source === undefined) return;
    this.#inFlight += (inFlight - this.#inFlight) * WEIGHT;
    const now = source.now();
    if (now >= this.#checkAt) this.#check(now, source);
    const mayLook = this.#isIdle ? this.#whoMayLook() : MayLook.Nobody;
    if (mayLook !== this.word[0]) Atomics.store(this.word, 0, mayLook);
  }

  #whoMayLook(): number {
    if (this.#inFlight > FEW) return MayLook.Nobody;
    return this.#inFlight > VERY_FEW ? MayLook.IoThread : MayLook.All;
  }

  #check(now: number, source: SpinSource): void {
    const wasIdle = this.#isIdle;
    this.#isIdle = source.idleCores(now) >= (wasIdle ? MIN_LEFT_CORES : MIN_IDLE_CORES);
    if (this.#isIdle) {
      if (wasIdle) this.#pauseMs = MIN_PAUSE_MS;
      this.#checkAt = now + CHECK_MS;
    } else {
      this.#checkAt = now + this.#pauseMs;
      this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    }
  }
}
