/** Descriptors for a program to write to that do not take what it writes. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';

const { O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

function open(path: string, flags: number): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

/** A disk without room. */
export function fullDisk(): number {
  return open('/dev/full', O_WRONLY);
}

/** A pipe that is full and that nobody reads. Whoever writes to it waits. */
export function fullPipe(): number {
  const path = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const own = open(path, O_RDWR | O_NONBLOCK);
  for (const size of [65_536, 1]) {
    const bytes = Buffer.alloc(size, ' ');
    try {
      for (;;) writeSync(own, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
  return open(path, O_WRONLY);
}

/** A pipe whose reader has gone. */
export function closedPipe(): number {
  const path = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, O_RDWR);
  const fd = open(path, O_WRONLY);
  closeSync(reader);
  return fd;
}
