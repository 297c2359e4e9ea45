/** What a socket's engine holds because its peer has not read it, as of the last look. I/O thread. */
import type { Counters } from '../../telemetry/counters.js';

/** Pings that a peer may send while it does not read what it is sent. */
const MAX_PINGS_WHILE_BLOCKED = 1000;

export class EngineBuffer {
  /** Of every socket whose peer has always kept up: 56 bytes less for each. */
  static readonly EMPTY = new EngineBuffer();

  bytes = 0;
  /** True while it is over the high-water mark: replies queue. */
  isBlocked = false;
  /** True from when it was blocked until everything that was queued has left. */
  isBehind = false;
  #pingsWhileBlocked = 0;
  #behindSince = 0;

  /** Takes note of so many bytes. @returns the buffer that has them: `EMPTY` gets none */
  see(bytes: number, highWaterMark: number, counters: Counters): EngineBuffer {
    if (this === EngineBuffer.EMPTY)
      return bytes === 0 ? this : new EngineBuffer().see(bytes, highWaterMark, counters);
    counters.engineBytes += bytes - this.bytes;
    this.bytes = bytes;
    this.isBlocked = bytes >= highWaterMark;
    if (this.isBlocked && !this.isBehind) {
      this.isBehind = true;
      this.#behindSince = performance.now();
    }
    return this;
  }

  /** Everything has left. @returns for how many seconds it was behind */
  catchUp(): number {
    this.isBehind = false;
    return (performance.now() - this.#behindSince) / 1000;
  }

  /** Counts a ping, whose pong went into the buffer. True when a peer that does not read has sent too many. */
  isFlooded(): boolean {
    if (!this.isBlocked) this.#pingsWhileBlocked = 0;
    else this.#pingsWhileBlocked++;
    return this.#pingsWhileBlocked > MAX_PINGS_WHILE_BLOCKED;
  }
}
