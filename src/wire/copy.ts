/**
 * Copies into shared memory. `TypedArray.set` copies into a SharedArrayBuffer byte by byte (16 KiB in 5 µs) unless source
 * and target are both 8-byte aligned. `Buffer.fill` with a source as long as the range is one `memcpy` whatever the
 * alignment, behind a call of about 0.1 µs.
 */

/** From here on the call is the cheaper way. */
const FILL_BYTES = 256;

/** Copies `source` to `target[offset…]`. */
export function copyBytes(target: Buffer, offset: number, source: Uint8Array, length = source.length): void {
  if (length < FILL_BYTES) target.set(source, offset);
  else target.fill(source, offset, offset + length);
}
