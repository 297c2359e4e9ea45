/** What is waited for, longest first, and what has been waited for too long. All have the same time. Both threads. */
import { RunClock } from './run-clock.js';

/** A deadline is looked at so many times, as far as that is between these two. */
const LOOKS = 8;
const MIN_TICK_MS = 10;
const MAX_TICK_MS = 50;

export class Deadlines<T> {
  readonly #timeoutMs: number;
  readonly #onLate: (one: T) => void;
  readonly #clock: RunClock;
  /** Each with when it is due, in ms that the thread ran: the oldest first. */
  readonly #waiting = new Map<T, number>();

  /** @param timeoutMs 0 is no limit */
  constructor(timeoutMs: number, onLate: (one: T) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onLate = onLate;
    const tickMs = Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, timeoutMs / LOOKS));
    this.#clock = new RunClock(() => this.#look(), tickMs);
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** It begins to wait, or to wait for something else. */
  add(one: T): void {
    if (this.#timeoutMs === 0) {
      this.#waiting.set(one, Number.POSITIVE_INFINITY);
      return;
    }
    this.#clock.start();
    this.#waiting.delete(one);
    this.#waiting.set(one, this.#clock.ranMs() + this.#timeoutMs);
  }

  /** False when it did not wait. */
  remove(one: T): boolean {
    return this.#waiting.delete(one);
  }

  /** All that waits, oldest first; nothing does any more. */
  takeAll(): T[] {
    this.#clock.stop();
    const all = [...this.#waiting.keys()];
    this.#waiting.clear();
    return all;
  }

  #look(): void {
    const ranMs = this.#clock.ranMs();
    for (const [one, dueMs] of this.#waiting) {
      if (dueMs > ranMs) return;
      this.#waiting.delete(one);
      this.#onLate(one);
    }
    if (this.#waiting.size === 0) this.#clock.stop();
  }
}
