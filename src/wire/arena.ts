/**
 * Memory beside the inbound ring for large messages: one block for the whole life of a worker, which both threads see, so
 * that nothing is allocated, handed over or mapped for a message. Places are given out and given back in the order of the
 * records, by the front end thread; an empty arena starts over at its start, where memory is warm.
 */

/** Places begin on a cache line. */
const ALIGNMENT = 64;

interface Place {
  /** Position of its record in the ring. */
  readonly position: number;
  readonly start: number;
  readonly end: number;
}

export class Arena {
  readonly bytes: Buffer;
  readonly #buffer: ArrayBuffer;
  /** What is given out, oldest first: some hundred at most. */
  readonly #places: Place[] = [];

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    this.#buffer = memory as ArrayBuffer;
    this.bytes = Buffer.from(this.#buffer);
  }

  /** Where so many bytes can go; undefined when there is no room. */
  find(length: number): number | undefined {
    const size = this.bytes.length;
    const oldest = this.#places[0];
    if (oldest === undefined) return length <= size ? 0 : undefined;
    const { start, end } = this.#places.at(-1)!;
    const next = (end + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (start < oldest.start) return next + length <= oldest.start ? next : undefined;
    if (next + length <= size) return next;
    return length <= oldest.start ? 0 : undefined;
  }

  /** Gives out a place that was found, for the record at a position. */
  take(position: number, start: number, length: number): void {
    this.#places.push({ position, start, end: start + length });
  }

  /** Takes back the places of all records before a position. */
  free(position: number): void {
    const places = this.#places;
    while (places.length > 0 && ((position - places[0]!.position) | 0) > 0) places.shift();
  }

  view(start: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, start, length);
  }
}
