/**
 * What a worker measures of its hooks, in memory that outlives it: the I/O thread reads it when somebody asks, and no message
 * is sent for it.
 *
 * How long messages wait is measured of one at a time. The I/O thread says which (its position in the inbound ring) and when it
 * handed it over; the worker notes how long ago that was when it takes it, and makes room for the next one.
 */
import { hrtime } from 'node:process';
import { cellsOf, Histogram, SECONDS } from '../util/histogram.js';

export const HOOKS = ['open', 'message', 'topicLost', 'close'] as const;
export type HookName = (typeof HOOKS)[number];
export type HookTimings = Readonly<Record<HookName, Histogram>>;

const THREAD_ID = 0;
const HANDED_OVER_AT = 1;
const HEADER_CELLS = 2;
/** Words of their own: what is looked at with each record is an integer. */
const SAMPLE_WORDS = 2;
const POSITION = 0;
const IS_PENDING = 1;

export class Timings {
  readonly #header: Float64Array;
  readonly #sample: Int32Array;
  /** From when a message was handed over to when it was taken, in seconds. */
  readonly wait: Histogram;
  /** By handler. */
  readonly hooks: readonly HookTimings[];

  /** @param handlers how many there are */
  constructor(memory: ArrayBuffer | SharedArrayBuffer, handlers: number) {
    this.#header = new Float64Array(memory, 0, HEADER_CELLS);
    this.#sample = new Int32Array(memory, HEADER_CELLS * 8, SAMPLE_WORDS);
    let at = HEADER_CELLS * 8 + SAMPLE_WORDS * 4;
    const next = () => {
      const cells = new Float64Array(memory, at, cellsOf(SECONDS));
      at += cells.byteLength;
      return new Histogram(SECONDS, cells);
    };
    this.wait = next();
    this.hooks = Array.from({ length: handlers }, () => ({
      open: next(),
      message: next(),
      topicLost: next(),
      close: next(),
    }));
  }

  /** Bytes of memory that it takes. */
  static bytes(handlers: number): number {
    return (HEADER_CELLS + (1 + handlers * HOOKS.length) * cellsOf(SECONDS)) * 8 + SAMPLE_WORDS * 4;
  }

  /** The kernel's number of the worker's thread; 0 where it is not known. */
  get threadId(): number {
    return this.#header[THREAD_ID]!;
  }

  set threadId(id: number) {
    this.#header[THREAD_ID] = id;
  }

  /** I/O thread: the message at this position is handed over now. */
  onHandedOver(position: number): void {
    if (Atomics.load(this.#sample, IS_PENDING) === 1) return;
    this.#header[HANDED_OVER_AT] = seconds();
    this.#sample[POSITION] = position;
    Atomics.store(this.#sample, IS_PENDING, 1);
  }

  /** I/O thread: what was handed over is not taken any more. */
  forget(): void {
    Atomics.store(this.#sample, IS_PENDING, 0);
  }

  /** Worker: the record at this position is taken. hot */
  onTaken(position: number): void {
    if (this.#sample[POSITION] !== position || Atomics.load(this.#sample, IS_PENDING) === 0) return;
    this.wait.observe(Math.max(0, seconds() - this.#header[HANDED_OVER_AT]!));
    Atomics.store(this.#sample, IS_PENDING, 0);
  }
}

/** One clock for all threads: each has a `performance.now()` of its own. */
function seconds(): number {
  const [whole, nanos] = hrtime();
  return whole + nanos / 1e9;
}
