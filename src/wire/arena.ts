/**
 * Memory beside the inbound ring for payloads: one block for the whole life of a worker, which both threads see, so that
 * nothing is allocated, handed over or mapped for a message. The I/O thread gives out the lowest place that is free:
 * it is warm. In a ring of 16 MiB, which goes through memory that is cold, an echo of 16 KiB took 13 µs instead of 12.
 */

/** Places begin on a cache line. */
const ALIGNMENT = 64;

export class Arena {
  readonly bytes: Buffer;
  readonly data: DataView;
  readonly #buffer: ArrayBuffer;
  /** What is free, by address, with something in use between any two: as places leave in order, these are few. */
  readonly #starts: number[] = [0];
  readonly #ends: number[];

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    this.#buffer = memory as ArrayBuffer;
    this.bytes = Buffer.from(this.#buffer);
    this.data = new DataView(this.#buffer);
    this.#ends = [memory.byteLength];
  }

  /** A place for so many bytes; undefined when there is no room. hot */
  take(length: number): number | undefined {
    const size = sizeOf(length);
    const starts = this.#starts;
    const ends = this.#ends;
    for (let i = 0; i < starts.length; i++) {
      const start = starts[i]!;
      if (ends[i]! - start < size) continue;
      if (ends[i]! - start === size) this.#remove(i);
      else starts[i] = start + size;
      return start;
    }
    return undefined;
  }

  /** Takes a place back. hot */
  giveBack(start: number, length: number): void {
    const end = start + sizeOf(length);
    const starts = this.#starts;
    const ends = this.#ends;
    let next = 0;
    while (next < starts.length && starts[next]! < start) next++;
    const follows = next > 0 && ends[next - 1] === start;
    const precedes = starts[next] === end;
    if (follows && precedes) {
      ends[next - 1] = ends[next]!;
      this.#remove(next);
    } else if (follows) ends[next - 1] = end;
    else if (precedes) starts[next] = start;
    else {
      starts.splice(next, 0, start);
      ends.splice(next, 0, end);
    }
  }

  view(start: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, start, length);
  }

  #remove(index: number): void {
    this.#starts.splice(index, 1);
    this.#ends.splice(index, 1);
  }
}

function sizeOf(length: number): number {
  return (length + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}
