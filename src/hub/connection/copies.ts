/**
 * Copies of payloads that have to wait. Memory of large ones is used again: V8 lets 32 MiB of such garbage heap up on each
 * thread before it looks. One pool for all that is on the I/O thread.
 */
import { copyBytes } from '../../wire/copy.js';
import { copyUnmasked } from '../../wire/unmask.js';

/** Memory of smaller copies is left to V8. */
const MIN_BYTES = 64 * 1024;
/** Copies of at most so many bytes lie side by side in blocks: memory of its own would cost each 400 bytes more. */
const SMALL_BYTES = 1024;
const BLOCK_BYTES = 8 * 1024;
/** Where fewer copies wait, a block would cost more than it saves: it stays while one of them is left. */
const MIN_WAITING = 16;
/** Memory that is kept for copies to come. */
const MAX_FREE_BYTES = 8 * 1024 * 1024;

/** By their size. */
const free = new Map<number, ArrayBuffer[]>();
let freeBytes = 0;

/** Few sizes, so that memory fits again; at most an eighth more than asked for, since bounds count what was. */
function sizeFor(length: number): number {
  const step = 2 ** (Math.floor(Math.log2(length)) - 3);
  return Math.ceil(length / step) * step;
}

export function takeCopy(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length < MIN_BYTES) return Uint8Array.prototype.slice.call(bytes);
  const copy = takeMemory(length);
  copyBytes(copy, 0, bytes);
  return copy;
}

function takeMemory(length: number): Buffer {
  if (length < MIN_BYTES) return Buffer.from(new ArrayBuffer(length));
  const size = sizeFor(length);
  const memory = free.get(size)?.pop();
  if (memory !== undefined) freeBytes -= size;
  return Buffer.from(memory ?? new ArrayBuffer(size), 0, length);
}

/** Copies for one queue. */
export class Copies {
  #block: ArrayBuffer | undefined;
  #used = 0;

  /** @param waiting how many copies are in the queue */
  take(bytes: Uint8Array, waiting: number): Uint8Array {
    const { length } = bytes;
    if (length > SMALL_BYTES || waiting < MIN_WAITING) return takeCopy(bytes);
    const copy = this.#takeFromBlock(length);
    copyBytes(copy, 0, bytes);
    return copy;
  }

  /** The same of `source[start…end)`, without its mask (as for `copyUnmasked`). */
  takeRange(source: Uint8Array, start: number, end: number, mask: number, waiting: number): Uint8Array {
    const length = end - start;
    if (mask === 0 && length === source.length) return this.take(source, waiting);
    const isSmall = length <= SMALL_BYTES && waiting >= MIN_WAITING;
    const copy = isSmall ? this.#takeFromBlock(length) : takeMemory(length);
    copyUnmasked(new DataView(copy.buffer, copy.byteOffset, length), 0, source, start, end, mask);
    return copy;
  }

  #takeFromBlock(length: number): Buffer {
    if (this.#block === undefined || this.#used + length > BLOCK_BYTES) {
      this.#block = new ArrayBuffer(BLOCK_BYTES);
      this.#used = 0;
    }
    const copy = Buffer.from(this.#block, this.#used, length);
    this.#used += length;
    return copy;
  }
}

/** @param copy that nobody reads any more; one from elsewhere is as welcome if its memory holds nothing else */
export function giveBack(copy: Uint8Array): void {
  const { buffer } = copy;
  const size = buffer.byteLength;
  if (size < MIN_BYTES || size > MAX_FREE_BYTES || size !== sizeFor(size)) return;
  // What is not asked for any more goes first.
  if (freeBytes + size > MAX_FREE_BYTES) dropOthers(size);
  if (freeBytes + size > MAX_FREE_BYTES) return;
  freeBytes += size;
  const others = free.get(size);
  if (others === undefined) free.set(size, [buffer as ArrayBuffer]);
  else others.push(buffer as ArrayBuffer);
}

function dropOthers(size: number): void {
  const own = free.get(size) ?? [];
  free.clear();
  free.set(size, own);
  freeBytes = own.length * size;
}
