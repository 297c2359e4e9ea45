/**
 * Notices a peer that keeps the front end reading: the engine reads a socket for as long as it has more, and nobody
 * else is served meanwhile.
 */

/** What tells one poll phase from the next. */
export interface TurnCounter {
  /** Turns of the front end's loop so far. */
  readonly count: number;
  /** Asks for a turn at the end of this poll phase. */
  schedule(): void;
}

/** A socket may be read so long without a pause. */
const MAX_READ_MS = 50;
/** The clock is read once for so many messages. */
const CLOCK_MESSAGES = 1024;

export class ReadMeter {
  readonly #turns: TurnCounter;
  #socket: unknown;
  #turn = -1;
  #messages = 0;
  /** When the first messages of this socket in this turn had come. */
  #since = 0;

  constructor(turns: TurnCounter) {
    this.#turns = turns;
  }

  /**
   * Counts a message of a socket: those that are read without a pause come one after the other. True when it has been
   * read for too long. hot: once per message.
   */
  isOver(socket: object): boolean {
    const { count } = this.#turns;
    if (count !== this.#turn || socket !== this.#socket) {
      this.#turn = count;
      this.#socket = socket;
      this.#messages = 0;
      // Whatever becomes of the message, the turns go on.
      this.#turns.schedule();
      return false;
    }
    if (++this.#messages % CLOCK_MESSAGES !== 0) return false;
    const now = performance.now();
    if (this.#messages === CLOCK_MESSAGES) this.#since = now;
    return now - this.#since >= MAX_READ_MS;
  }

  /** The socket is gone: nothing of it is kept. */
  forget(socket: object): void {
    if (socket === this.#socket) this.#socket = undefined;
  }
}
