/** Latencies in buckets of equal ratio: any number of them in little memory, each within 2 %. */

const PER_OCTAVE = 32;
/** Of the first bucket, in milliseconds. */
const SMALLEST = 0.001;

export class Histogram {
  #buckets = [];
  count = 0;
  max = 0;

  add(ms) {
    const index = Math.max(0, Math.round(Math.log2(ms / SMALLEST) * PER_OCTAVE)) || 0;
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.count += 1;
    this.max = Math.max(this.max, ms);
  }

  /** Milliseconds, by the nearest rank; undefined when it is empty. */
  percentile(share) {
    let left = Math.max(1, Math.ceil(this.count * share));
    for (const [index, size = 0] of this.#buckets.entries()) {
      left -= size;
      if (left <= 0) return Math.min(this.max, SMALLEST * 2 ** (index / PER_OCTAVE));
    }
    return undefined;
  }

  clear() {
    this.#buckets = [];
    this.count = 0;
    this.max = 0;
  }
}
