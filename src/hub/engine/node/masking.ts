/**
 * The mask of RFC 6455 §5.3 as one number: its four bytes as they lie on the wire, little-endian. Pure; any thread.
 */
import { readMemory, unmaskWide } from './read-memory.js';

/** From here on a call into other code pays. */
const WIDE_BYTES = 64;

let viewed: Uint8Array | undefined;
let view: DataView = new DataView(new ArrayBuffer(0));

/** Reads and writes words of some bytes at any offset; made once for bytes that come again and again. hot */
export function wordsOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return view;
}

/** Takes the mask off `bytes[start…end)`, in place. hot */
export function unmask(bytes: Uint8Array, start: number, end: number, mask: number): void {
  if (mask === 0) return;
  let at = bytes === readMemory && end - start >= WIDE_BYTES ? unmaskWide(start, end, mask) : start;
  const words = wordsOf(bytes);
  for (; at + 4 <= end; at += 4) words.setInt32(at, words.getInt32(at, true) ^ mask, true);
  for (let shift = 0; at < end; at++, shift += 8) bytes[at]! ^= mask >>> shift;
}

/** The mask for what follows so many bytes. */
export function rotateMask(mask: number, bytes: number): number {
  const shift = (bytes & 3) * 8;
  return shift === 0 ? mask : (mask >>> shift) | (mask << (32 - shift));
}
