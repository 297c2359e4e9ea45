/**
 * Measures what a shard hands to its worker: the size of batches, and how long the last message of some waits. Holds the memory
 * in which the worker measures its hooks, for all lives of it. I/O thread.
 */
import type { Histogram } from '../../util/histogram.js';
import { Timings } from '../../wire/timings.js';

/** A power of two: one batch of so many is measured. To read the clock for each would be paid at light load. */
const BATCHES_PER_SAMPLE = 8;

export class BatchMeter {
  readonly memory: ArrayBuffer | SharedArrayBuffer;
  readonly timings: Timings;
  readonly #sizes: Histogram;
  #batches = 0;
  /** Messages that have been handed over. */
  #messages = 0;

  constructor(handlers: number, isLocal: boolean, sizes: Histogram) {
    this.memory = new (isLocal ? ArrayBuffer : SharedArrayBuffer)(Timings.bytes(handlers));
    this.timings = new Timings(this.memory, handlers);
    this.#sizes = sizes;
  }

  /**
   * A batch is about to be handed over: before it is, since it may be taken at once.
   *
   * @param messages how many there have been, with those of this batch
   * @param lastPosition where the last record of the batch is
   */
  onFlush(messages: number, lastPosition: number): void {
    const size = messages - this.#messages;
    if (size === 0) return;
    this.#messages = messages;
    this.#sizes.observe(size);
    if ((++this.#batches & (BATCHES_PER_SAMPLE - 1)) === 0) this.timings.onHandedOver(lastPosition);
  }
}
