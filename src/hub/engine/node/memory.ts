/**
 * Memory in which frames are put together for one write, and large messages that come in pieces. It is used again as soon
 * as the kernel has taken a write whole, which is nearly always at once, or the message has been handed over: memory that is
 * new costs 0.2 µs for each 4 KiB. One for all sockets of the I/O thread.
 */
import { PAGE_BYTES } from '../../../wire/copy.js';

/** Beside a frame there is room for its header, and for where it begins (see `farFrom`). */
const BESIDE = 64 + PAGE_BYTES;
/** Each four times the one before: a socket whose peer does not read holds at most four times of what is to be sent. */
const SIZES = [16, 64, 256, 1024, 4096].map((kib) => kib * 1024 + BESIDE);
/** Bytes of each size that are kept. */
const MAX_FREE_BYTES = 4 * 1024 * 1024 + BESIDE;

const free: Buffer[][] = SIZES.map(() => []);

/** Memory of at least so many bytes. hot */
export function takeMemory(bytes: number): Buffer {
  for (let i = 0; i < SIZES.length; i++)
    if (bytes <= SIZES[i]!) return free[i]!.pop() ?? Buffer.allocUnsafeSlow(SIZES[i]!);
  return Buffer.allocUnsafeSlow(bytes);
}

/** Memory that nobody reads any more. hot */
export function giveMemory(memory: Buffer): void {
  const others = free[SIZES.indexOf(memory.length)];
  if (others !== undefined && (others.length + 1) * memory.length <= MAX_FREE_BYTES) others.push(memory);
}
