/** The kernel's number of this very thread, by which its figures are found; 0 where it is not known. */
import { readlinkSync } from 'node:fs';

export function ownThreadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return 0;
  }
}
