/**
 * The log's way to stderr, for all hubs of a process: a line is written at once, waits for a reader that is slow, or is
 * dropped. It never blocks and never throws. I/O thread.
 *
 * Not in libuv's thread pool: a write that blocks there keeps the process from ending.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { Deque } from '../util/deque.js';

const STDERR = 2;
/** Bytes that wait for a slow reader, of all hubs of the process. */
const MAX_PENDING_BYTES = 1024 * 1024;
/** A pipe has room for 64 KiB: a reader that takes them at once gets 3 MB/s. */
const RETRY_MS = 20;
/** What waits when the process ends is tried for so long. */
const EXIT_MS = 200;

interface Line {
  bytes: Uint8Array;
  /** True when a part of it has been written. */
  hasBegun: boolean;
  readonly onDropped: () => void;
}

export class LogStream {
  readonly #target: number;
  readonly #pending = new Deque<Line>();
  #fd: number | undefined;
  #pendingBytes = 0;
  /** True when a line has been given up in the middle: the next one must not go on in it. */
  #isTorn = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param target the descriptor; taken at the first line */
  constructor(target: number) {
    this.#target = target;
  }

  /** @param onDropped called when the line is given up, now or later */
  write(text: string, onDropped: () => void): void {
    if (this.#fd === undefined) {
      this.#fd = openNonBlocking(this.#target);
      process.on('exit', () => this.#end());
    }
    const line: Line = { bytes: Buffer.from(text), hasBegun: false, onDropped };
    if (this.#pending.length === 0 && this.#put(line)) return;
    if (this.#pendingBytes + line.bytes.length > MAX_PENDING_BYTES) {
      // One that has begun was the first.
      this.#drop(line);
      return;
    }
    this.#pending.push(line);
    this.#pendingBytes += line.bytes.length;
    this.#timer ??= setTimeout(this.#retry, RETRY_MS).unref();
  }

  readonly #retry = (): void => {
    this.#timer = this.#flush() ? undefined : setTimeout(this.#retry, RETRY_MS).unref();
  };

  /** Writes what waits. False when some of it still does. */
  #flush(): boolean {
    for (let line = this.#pending.peek(); line !== undefined; line = this.#pending.peek()) {
      const { length } = line.bytes;
      const isOver = this.#put(line);
      this.#pendingBytes -= isOver ? length : length - line.bytes.length;
      if (!isOver) return false;
      this.#pending.shift();
    }
    return true;
  }

  /** Writes a line, or gives it up. False when there is no room at the moment; its bytes are what is left then. */
  #put(line: Line): boolean {
    try {
      if (this.#isTorn) this.#isTorn = writeSync(this.#fd!, '\n') === 0;
      while (line.bytes.length > 0) {
        const written = writeSync(this.#fd!, line.bytes);
        if (written === 0) return false;
        line.hasBegun = true;
        line.bytes = line.bytes.subarray(written);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      // A disk that is full may have room for the next one.
      this.#drop(line);
    }
    return true;
  }

  #drop(line: Line): void {
    this.#isTorn ||= line.hasBegun;
    line.onDropped();
  }

  /** The process ends: whoever reads slowly gets what waits, within reason. */
  #end(): void {
    const deadline = performance.now() + EXIT_MS;
    const clock = new Int32Array(new SharedArrayBuffer(4));
    while (!this.#flush() && performance.now() < deadline) Atomics.wait(clock, 0, 0, 5);
  }
}

/** The way to stderr of this process. */
export const logStream = new LogStream(STDERR);

/** A descriptor of the same thing, whose writes do not block; where that cannot be had, the same descriptor. */
function openNonBlocking(fd: number): number {
  try {
    // Files do not block, and one of their own would have a position of its own.
    if (fstatSync(fd).isFile()) return fd;
    // Linux: opened anew, so that whoever shares the pipe or the terminal is not changed.
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // A socket cannot be opened. Node.js makes it and, elsewhere, pipes non-blocking when the stream is first looked at.
    void process.stderr;
    return fd;
  }
}
