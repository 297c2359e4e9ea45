/** Whether text is UTF-8 (RFC 3629), masked or not, whole or in pieces. Pure. */
import { isUtf8 } from 'node:buffer';
import { wordsOf } from './masking.js';

const HIGH_BITS = 0x8080_8080 | 0;

/** True when `bytes[start…end)` is ASCII under its mask. hot: once per short text. */
export function isMaskedAscii(bytes: Uint8Array, start: number, end: number, mask: number): boolean {
  const words = wordsOf(bytes);
  let all = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) all |= words.getInt32(at, true) ^ mask;
  for (let shift = 0; at < end; at++, shift += 8) all |= (bytes[at]! ^ (mask >>> shift)) & 0x80;
  return (all & HIGH_BITS) === 0;
}

/**
 * Looks at the next piece of a text, `bytes[start…end)`, which begins with a letter.
 *
 * @returns where the letter begins that the piece cuts, or its end; -1 when no bytes behind it could make it UTF-8
 */
export function checkUtf8Piece(bytes: Uint8Array, start: number, end: number): number {
  const cut = cutLetter(bytes, start, end);
  if (!isUtf8(bytes.subarray(start, cut))) return -1;
  return cut === end || mayBegin(bytes, cut, end) ? cut : -1;
}

/** Where the last letter begins if bytes of it are missing, else the end. */
function cutLetter(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 3; at--) {
    const byte = bytes[at]!;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return at + (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > end ? at : end;
  }
  return end;
}

/** True when a letter begins with `bytes[at…end)`, which is less than all of it. */
function mayBegin(bytes: Uint8Array, at: number, end: number): boolean {
  const first = bytes[at]!;
  if (first < 0xc2 || first > 0xf4) return false;
  if (at + 1 === end) return true;
  const second = bytes[at + 1]!;
  // No longer form of a shorter letter, no surrogate, nothing beyond U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  return second >= least && second <= most;
  // A third byte was looked for as a first one by whoever found the cut: it is 80 to BF.
}
