/** A message of which not everything has come: it is unmasked as it comes, into memory that grows with it. I/O thread. */

import { rotateMask, unmask } from './masking.js';
import { giveMemory, takeMemory } from './memory.js';
import { checkUtf8Piece } from './utf8.js';

/**
 * So much is taken as soon as it is announced; beyond, no more than eight times of what has come: a length that nothing
 * follows costs nothing.
 */
const MIN_BYTES = 16 * 1024;

export class Message {
  bytes: Buffer = EMPTY;
  length = 0;
  readonly isBinary: boolean;
  readonly isCompressed: boolean;
  /** Of the frame at hand: what has not come, its mask from there on, and whether it is the last. */
  missing = 0;
  mask = 0;
  isLast = false;
  /** Up to here it is UTF-8, if it is to be. */
  #checked = 0;

  constructor(isBinary: boolean, isCompressed: boolean) {
    this.isBinary = isBinary;
    this.isCompressed = isCompressed;
  }

  /** Takes as much of the frame at hand as is there, out of memory that may be written to. @returns where that ends */
  take(source: Uint8Array, start: number, end: number): number {
    const count = Math.min(this.missing, end - start);
    const from = this.length;
    this.#reserve(count);
    unmask(source, start, start + count, this.mask);
    this.bytes.set(count === source.length ? source : source.subarray(start, start + count), from);
    this.length += count;
    this.missing -= count;
    this.mask = rotateMask(this.mask, count);
    return start + count;
  }

  /** False as soon as it cannot be UTF-8 any more, and must be. */
  isRight(): boolean {
    if (this.isBinary || this.isCompressed) return true;
    const checked = checkUtf8Piece(this.bytes, this.#checked, this.length);
    if (checked < 0) return false;
    this.#checked = checked;
    return checked === this.length || !this.isLast || this.missing > 0;
  }

  /** Nobody reads its bytes any more. */
  drop(): void {
    if (this.bytes.length > MIN_BYTES) giveMemory(this.bytes);
    this.bytes = EMPTY;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    const { length: before } = this.bytes;
    if (needed <= before) return;
    const announced = this.length + this.missing;
    // By a quarter at least: small fragments announce no more than themselves, and each would copy all that came before.
    const size = Math.max(Math.min(announced, Math.max(MIN_BYTES, needed * 2)), before + (before >>> 2));
    // What is small waits for its rest in memory of its own size.
    const bytes = size > MIN_BYTES ? takeMemory(size) : Buffer.allocUnsafeSlow(size);
    if (this.length > 0) this.bytes.copy(bytes, 0, 0, this.length);
    this.drop();
    this.bytes = bytes;
  }
}

const EMPTY = Buffer.alloc(0);
