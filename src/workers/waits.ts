/** The hooks of a runtime that wait for a promise, longest first, and when each has waited too long. */
import type { Job } from './job.js';

export class Waits {
  readonly #timeoutMs: number;
  readonly #onLate: (job: Job) => void;
  /** All have the same time, so the oldest is due first. */
  readonly #waiting = new Set<Job>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs 0 is no limit */
  constructor(timeoutMs: number, onLate: (job: Job) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onLate = onLate;
  }

  /** It begins to wait, or to wait for something else. */
  add(job: Job): void {
    if (this.#timeoutMs === 0) return;
    job.since = performance.now();
    this.#waiting.delete(job);
    this.#waiting.add(job);
    this.#timer ??= setTimeout(this.#look, this.#timeoutMs);
  }

  remove(job: Job): void {
    this.#waiting.delete(job);
  }

  /** Nothing is late any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  readonly #look = (): void => {
    const now = performance.now();
    let next: number | undefined;
    for (const job of this.#waiting) {
      const left = job.since + this.#timeoutMs - now;
      if (left > 0) {
        next = left;
        break;
      }
      this.remove(job);
      this.#onLate(job);
    }
    this.#timer = next === undefined ? undefined : setTimeout(this.#look, next);
  };
}
