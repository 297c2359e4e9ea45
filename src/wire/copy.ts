/**
 * Copies into shared memory. V8 copies into a SharedArrayBuffer eight bytes at a time only when source and
 * target are both 8-byte aligned, and byte by byte (eight times slower) otherwise.
 */

const SCRATCH_BYTES = 64 * 1024;
/** Below this the detour costs more than it saves. */
const DETOUR_BYTES = 1024;

/** Private, aligned memory of this thread that unaligned sources pass through. */
let scratch: Uint8Array | undefined;

/** Copies `source` to `target[offset…]`, where `offset` is 8-byte aligned in its buffer. */
export function copyToShared(target: Uint8Array, offset: number, source: Uint8Array): void {
  const length = source.length;
  if (length < DETOUR_BYTES || (source.byteOffset & 7) === 0) {
    target.set(source, offset);
    return;
  }
  scratch ??= new Uint8Array(SCRATCH_BYTES);
  for (let done = 0; done < length; done += SCRATCH_BYTES) {
    const count = Math.min(SCRATCH_BYTES, length - done);
    scratch.set(source.subarray(done, done + count));
    target.set(count === SCRATCH_BYTES ? scratch : scratch.subarray(0, count), offset + done);
  }
}
