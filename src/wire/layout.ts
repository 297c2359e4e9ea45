/**
 * The record layout of both rings, shared by the front end thread and the worker threads. Pure: no I/O, no thread.
 *
 * A ring is a block of memory in which one side appends records and the other reads them in order. Positions
 * count units of 8 bytes since the start and wrap at 2^32, so a distance is `(a - b) | 0`. A record starts on a
 * unit, never wraps around the end of the block (a `Pad` record skips to its start), and is followed by its payload.
 *
 * Inbound (front end → worker), header of 16 bytes:
 *
 *     int32 kind | flags << 8     int32 slot     int32 generation     int32 payload bytes
 *
 * Replies (worker → front end), header of 24 bytes: the same four, then
 *
 *     int32 position of the inbound record (`Echo`)     int32 bytes of the message that is finished (`Flag.Done`)
 */

export const UNIT_BYTES = 8;
/** Int32 words in a unit. */
export const UNIT_WORDS = 2;

export const INBOUND_HEADER_BYTES = 16;
export const REPLY_HEADER_BYTES = 24;

/** Kinds of inbound records. */
export const Inbound = {
  /** Skip to the start of the block. Also a kind of reply. */
  Pad: 0,
  /** A connection opened; the payload is its request as JSON. */
  Open: 1,
  /** A message; the payload is its bytes, or a block of its own with `Flag.External`. */
  Message: 2,
  /** A connection is gone; the payload is the close code (uint16) and the reason (UTF-8). */
  Close: 3,
  /** Finish: no record follows. */
  Stop: 4,
  /** The peer is gone, and records of it still wait to enter the ring: `Close` comes behind them. Never finished. */
  Abort: 5,
  /** The answer to `Reply.Room`: there is room for more. Never finished. */
  Room: 6,
} as const;

/** Kinds of replies. */
export const Reply = {
  /** Send the payload. */
  Send: 1,
  /** Send the payload of an inbound record that is still in the ring: nothing is copied. */
  Echo: 2,
  /** Nothing but `Flag.Done`. */
  Finish: 3,
  /** Close the connection; the payload is the close code (uint16) and the reason (UTF-8). */
  Close: 4,
  /** A handler failed; the payload is an `ErrorRecord` as JSON. */
  Failure: 5,
  /** A record waits in the worker behind another one of its connection; it has not begun. */
  Defer: 6,
  /** The oldest record of a connection that waited so begins. */
  Begin: 7,
  /** Subscribe the connection; the payload is the topic. */
  Subscribe: 8,
  Unsubscribe: 9,
  /** Publish; the payload is laid out in publish.ts. */
  Publish: 10,
  /** Say so (`Inbound.Room`) when the connection has room for more than what was sent before this. */
  Room: 11,
} as const;

/** Flags of a record, shifted by 8 in the first word. */
export const Flag = {
  /** The message is binary, not text. */
  Binary: 1 << 8,
  /** The payload is a shared block that travels beside the ring. */
  External: 1 << 9,
  /** This reply is the last of an inbound record: it commits the record as finished. */
  Done: 1 << 10,
  /** The payload goes on in the next record. */
  More: 1 << 11,
  /** `Open` only: the connection was open before; its worker was replaced. */
  Restarted: 1 << 12,
} as const;

export const KIND_MASK = 0xff;

/** Units that a record with so many payload bytes takes. */
export function recordUnits(headerBytes: number, payloadBytes: number): number {
  return (headerBytes + payloadBytes + (UNIT_BYTES - 1)) >>> 3;
}

/** Words of the control block, one cache line apart so that the two threads do not share lines. */
export const Word = {
  /** Written by the front end: inbound records before this position may be read. */
  InHead: 0,
  /** Written by the worker: every inbound record that ends at or before this position has been taken. */
  InTaken: 16,
  /** Written by the worker: it reads nothing before this position any more. */
  InReleased: 32,
  /** Written by the worker: replies before this position are committed. */
  OutHead: 48,
  /** Written by the front end: replies before this position have been applied. */
  OutReleased: 64,
  /** One of `Sleep`: how the worker wants to be woken when `InHead` moves. */
  WorkerAsleep: 80,
  /** 1 while the front end sleeps and wants its bell rung when `OutHead` moves. */
  FrontAsleep: 96,
  /** 1 while the worker waits in `Atomics.wait` for `OutReleased` to move. */
  WorkerBlocked: 112,
} as const;

/** Values of `Word.WorkerAsleep`. */
export const Sleep = {
  Awake: 0,
  /** It waits for events: its bell is to be rung. */
  Bell: 1,
  /** It waits in `Atomics.wait`, for a moment: it is to be notified. */
  Doze: 2,
} as const;

export const CONTROL_BYTES = 128 * 4;

/** A ring's memory, seen as words and as bytes. */
export class Block {
  readonly words: Int32Array;
  readonly bytes: Buffer;
  /** Capacity in units, a power of two. */
  readonly units: number;

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    const units = memory.byteLength / UNIT_BYTES;
    if (!Number.isInteger(Math.log2(units))) throw new RangeError('a ring takes a power of two of bytes');
    this.words = new Int32Array(memory);
    this.bytes = Buffer.from(memory as ArrayBuffer);
    this.units = units;
  }

  /** Byte offset of a position. */
  offset(position: number): number {
    return (position & (this.units - 1)) * UNIT_BYTES;
  }
}

/** Everything that a front end and one worker share. */
export interface LaneMemory {
  readonly control: SharedArrayBuffer;
  readonly inbound: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
}
