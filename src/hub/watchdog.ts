/**
 * Finds workers that are stuck: awake, and for the handler's whole time without a record taken or a reply written.
 * That is a hook (or a timer of the handler's) in a loop; an async hook that waits leaves its thread asleep.
 */

/** What the watchdog looks at. */
export interface Watched {
  /** A value that changes whenever the worker gets on, or undefined while it has nothing to do. */
  progress(): string | undefined;
  /** Ends the worker's thread. */
  onStuck(): void;
}

/** A worker is looked at so many times within the handler's time. */
const LOOKS = 8;
const MIN_INTERVAL_MS = 10;
const MAX_INTERVAL_MS = 1000;

export class Watchdog {
  readonly #timeoutMs: number;
  readonly #watched: readonly Watched[];
  readonly #last: { progress: string | undefined; stuckMs: number }[];
  readonly #intervalMs: number;
  #lookedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, watched: readonly Watched[]) {
    this.#timeoutMs = timeoutMs;
    this.#watched = watched;
    this.#last = watched.map(() => ({ progress: undefined, stuckMs: 0 }));
    this.#intervalMs = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, timeoutMs / LOOKS));
  }

  /** Does nothing when the timeout is 0. */
  start(): void {
    if (this.#timeoutMs === 0) return;
    this.#lookedAt = performance.now();
    this.#timer = setInterval(this.#look, this.#intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  readonly #look = (): void => {
    const now = performance.now();
    // A machine or a front end that stood still must not be held against the workers.
    const passed = Math.min(now - this.#lookedAt, 2 * this.#intervalMs);
    this.#lookedAt = now;
    for (const [i, watched] of this.#watched.entries()) {
      const last = this.#last[i]!;
      const progress = watched.progress();
      if (progress === undefined || progress !== last.progress) {
        last.progress = progress;
        last.stuckMs = 0;
        continue;
      }
      last.stuckMs += passed;
      if (last.stuckMs < this.#timeoutMs) continue;
      last.progress = undefined;
      watched.onStuck();
    }
  };
}
