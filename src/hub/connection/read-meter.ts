/**
 * Notices a peer that keeps the I/O thread to itself: the engine reads a socket for as long as it has more, and calls for
 * every frame; nobody else is served meanwhile. What counts is the time that it takes, whatever it sends.
 */

/** What tells one poll phase from the next. */
export interface TurnCounter {
  /** Turns of the I/O thread's loop so far. */
  readonly count: number;
  /** Asks for a turn at the end of this poll phase. */
  schedule(): void;
}

/** A socket may be read so long in one turn. */
const MAX_READ_MS = 50;
/** The same once those that take long have been read so long together. */
const MAX_SHARE_MS = 10;
/** Pings, and pongs that nobody waits for, that a socket may send in one turn. */
const MAX_CONTROL_FRAMES = 1000;
/**
 * The most that a frame and a byte of it count (measured: 0.5 µs to 1 µs, and 1 ns inflated): what takes longer is time
 * that the thread did not run. So what the bounds let be in flight by default, 1000 messages and 16 MiB, is never too long.
 */
const FRAME_MS = 2e-3;
const BYTE_MS = 1.8e-6;
/** The clock is read when so much may have passed. */
const LOOK_MS = 0.5;

export class ReadMeter {
  readonly #turns: TurnCounter;
  #turn = -1;
  #socket: unknown;
  /** Counted in this turn: of this socket, and of all that were looked at. */
  #socketMs = 0;
  #turnMs = 0;
  #controlFrames = 0;
  /** The most that can have passed since the last look, which was at this time; 0 is none. */
  #dueMs = 0;
  #lookedAt = 0;

  constructor(turns: TurnCounter) {
    this.#turns = turns;
  }

  /**
   * Counts a frame of a socket: those that are read without a pause come one after the other. True when it has been read
   * for too long. hot: once per message.
   *
   * @param isControl for a ping, or a pong that nobody waits for
   */
  isOver(socket: object, bytes: number, isControl: boolean): boolean {
    if (this.#turns.count !== this.#turn || socket !== this.#socket) this.#begin(socket);
    this.#dueMs += FRAME_MS + bytes * BYTE_MS;
    if (isControl && ++this.#controlFrames > MAX_CONTROL_FRAMES) return true;
    return this.#dueMs >= LOOK_MS && this.#look();
  }

  /** The socket is gone: nothing of it is kept. */
  forget(socket: object): void {
    if (socket === this.#socket) this.#socket = undefined;
  }

  /** hot: once per socket and turn. */
  #begin(socket: object): void {
    if (this.#turns.count !== this.#turn) this.#turnMs = 0;
    this.#turn = this.#turns.count;
    this.#socket = socket;
    this.#socketMs = this.#controlFrames = this.#dueMs = this.#lookedAt = 0;
    // Whatever becomes of the frame, the turns go on.
    this.#turns.schedule();
  }

  #look(): boolean {
    const now = performance.now();
    if (this.#lookedAt > 0) {
      const ms = Math.min(now - this.#lookedAt, this.#dueMs);
      this.#socketMs += ms;
      this.#turnMs += ms;
    }
    this.#lookedAt = now;
    this.#dueMs = 0;
    return this.#socketMs >= (this.#turnMs >= MAX_READ_MS ? MAX_SHARE_MS : MAX_READ_MS);
  }
}
