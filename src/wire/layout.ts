/**
 * The record layout of both rings, shared by the I/O thread and the worker threads. Pure: no I/O, no thread.
 *
 * A ring is memory in which one side appends records and the other reads them in order. Positions count units of 8
 * bytes since the start and wrap at 2^32, so a distance is `(a - b) | 0`. A record starts on a unit, never wraps
 * around the end of the memory (a `PAD` record skips to its start), and is followed by its payload.
 *
 * Inbound (I/O thread → worker; kinds in inbound-kind.ts, flags in flag.ts), header of 16 bytes:
 *
 *     int32 kind | flags << 8     int32 slot     int32 generation     int32 payload bytes
 *
 * Replies (worker → I/O thread; kinds in reply-kind.ts), header of 24 bytes: the same four, then
 *
 *     int32 position of the inbound record (`Echo`), or bytes of the whole payload (`Flag.More`)
 *     int32 bytes of the message that is finished (`Flag.Done`)
 */

export const UNIT_BYTES = 8;
/** Int32 words in a unit. */
const UNIT_WORDS = 2;

export const INBOUND_HEADER_BYTES = 16;
export const REPLY_HEADER_BYTES = 24;

export const KIND_MASK = 0xff;
/** A kind of record of both rings: skip to the start of the memory. */
export const PAD = 0;

/** Units that a record with so many payload bytes takes. */
export function recordUnits(headerBytes: number, payloadBytes: number): number {
  return (headerBytes + payloadBytes + (UNIT_BYTES - 1)) >>> 3;
}

export const CONTROL_BYTES = 160 * 4;

/** A ring's memory, seen as words, as bytes and by offsets, and where in it a position is. */
export class RingMemory {
  readonly words: Int32Array;
  readonly bytes: Buffer;
  readonly view: DataView;
  /** The memory itself: `bytes.buffer` would be a call into V8. */
  readonly buffer: ArrayBuffer;
  /** Capacity in units, a power of two. */
  readonly units: number;

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    const units = memory.byteLength / UNIT_BYTES;
    if (!Number.isInteger(Math.log2(units))) throw new RangeError('a ring takes a power of two of bytes');
    this.words = new Int32Array(memory);
    this.buffer = memory as ArrayBuffer;
    this.bytes = Buffer.from(this.buffer);
    this.view = new DataView(this.buffer);
    this.units = units;
  }

  // hot: V8 inlines these.

  /** Units before a position. */
  unitAt(position: number): number {
    return position & (this.units - 1);
  }

  /** Words before a position: its first one in `words`. */
  wordAt(position: number): number {
    return (position & (this.units - 1)) * UNIT_WORDS;
  }

  /** Bytes before a position: its first one in `bytes`. */
  byteAt(position: number): number {
    return (position & (this.units - 1)) * UNIT_BYTES;
  }

  /** Units from a position to the end of the memory. */
  unitsLeft(position: number): number {
    return this.units - (position & (this.units - 1));
  }

  /** The next position that is at the start of the memory: where a `PAD` at this one leads. */
  skip(position: number): number {
    return (position + this.unitsLeft(position)) | 0;
  }
}

/** Everything that an I/O thread and one worker share. But for `control`, it is not shared memory where both are on one thread. */
export interface WorkerMemory {
  readonly control: SharedArrayBuffer;
  readonly inbound: ArrayBuffer | SharedArrayBuffer;
  /** For large messages beside the inbound ring: see arena.ts. */
  readonly arena: ArrayBuffer | SharedArrayBuffer;
  readonly replies: ArrayBuffer | SharedArrayBuffer;
  /** What the workers of a shard measure, one life after the other; undefined when nothing is. */
  readonly timings: ArrayBuffer | SharedArrayBuffer | undefined;
}

/** One inbound record, copied. */
export interface InboundRecord {
  readonly kind: number;
  readonly flags: number;
  readonly slot: number;
  readonly generation: number;
  readonly position: number;
  readonly payload: Uint8Array;
}
