/**
 * Memory in which frames are put together for one write. It is used again as soon as the kernel has taken a write whole,
 * which is nearly always at once. One for all sockets of the I/O thread.
 */

/** Each four times the one before: a socket whose peer does not read holds at most four times of what is to be sent. */
const SIZES = [16, 64, 256, 1024, 4096].map((kib) => kib * 1024);
/** Of each size: one for what a socket sends, and others for what is sent to others meanwhile. */
const MAX_FREE = 2;

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
  if (others !== undefined && others.length < MAX_FREE) others.push(memory);
}
