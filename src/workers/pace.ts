/** When a worker that has much to do lets replies leave, and its thread breathe; and which of its messages are measured. */
// Not the global one, which is looked up by a getter each time.
import { performance } from 'node:perf_hooks';

/** A turn of the loop that ran so long lets timers and I/O of the thread have their turn, and replies leave. */
const TURN_MS = 5;
/** The same for a turn that waits for records: what else the thread has to do must not wait for nothing. */
const WAIT_TURN_MS = 1;
/**
 * Replies that are ready wait at most so long for others to leave with them, while more records are there. The I/O thread
 * looks for itself when the record at work takes longer (`LOOK_MS` of turn.ts).
 */
const REPLY_DELAY_MS = 0.5;
/** While a record takes less than so long, the clock is read once for so many of them: a reading costs as much as an echo. */
const CHEAP_MS = 0.005;
const CHEAP_RECORDS = 8;
/**
 * Of these, one in four is for measuring once so many in a row were cheap. To measure is to read the clock twice more, 90 ns each:
 * with every one of them an echo would cost 45 ns more, a quarter of what it takes its worker.
 */
const STEADY_LOOKS = 4;

export class Pace {
  #turnStart = 0;
  #notifiedAt = 0;
  /** Records until the clock is read, of so many from one time to the next; and when that was. */
  #untilLook = 1;
  #lookEvery = 1;
  #lookedAt = 0;
  /** Looks in a row that found cheap records; and records that the one behind the next look stands for, if it is measured. */
  #cheapLooks = 0;
  #standsFor = 1;
  #isMeasured = true;
  /** After `next` has been false: replies are to leave, and the rest is for the next turn. */
  isReplyDue = false;
  isTurnOver = false;

  startTurn(): void {
    this.#turnStart = this.#notifiedAt = performance.now();
  }

  /** A record is through. True when nothing is due. hot */
  next(): boolean {
    if (--this.#untilLook > 0) return true;
    const now = performance.now();
    const isCheap = now - this.#lookedAt < CHEAP_MS * this.#lookEvery;
    this.#untilLook = this.#lookEvery = isCheap ? CHEAP_RECORDS : 1;
    this.#lookedAt = now;
    this.#cheapLooks = isCheap ? this.#cheapLooks + 1 : 0;
    this.#standsFor = this.#isMeasured ? this.#lookEvery : this.#standsFor + this.#lookEvery;
    this.#isMeasured = this.#cheapLooks < STEADY_LOOKS || this.#cheapLooks % STEADY_LOOKS === 0;
    // At its end timers and I/O of the handler's come, which may take their time.
    this.isTurnOver = now - this.#turnStart >= TURN_MS;
    this.isReplyDue = this.isTurnOver || now - this.#notifiedAt > REPLY_DELAY_MS;
    if (this.isReplyDue) this.#notifiedAt = now;
    return !this.isReplyDue;
  }

  /** False when the thread has waited for records, or worked, for long enough. */
  get mayWait(): boolean {
    return performance.now() - this.#turnStart <= WAIT_TURN_MS;
  }

  /** How many messages the next one stands for, behind which the clock is read anyway; 0 when it stands for none. hot */
  get weight(): number {
    return this.#untilLook === 1 && this.#isMeasured ? this.#standsFor : 0;
  }
}
