/**
 * Finds workers that are stuck: awake, and for the handler's whole time without coming back to the runtime. That is a hook
 * (or a timer of the handler's) in a loop or in a call that blocks, whatever it sends meanwhile; an async hook that waits
 * leaves its thread asleep.
 */

/** What the watchdog looks at. */
export interface Watched {
  /** How long it may be stuck, in ms. */
  readonly allowedMs: number;
  /** A value that changes whenever the worker gets on, or undefined while it has nothing to do. */
  progress(): string | undefined;
  /** It has got on: its time begins. */
  onProgress(): void;
  /** True while it waits for what others have begun: that time does not count. */
  readonly isHeldUp: boolean;
  /** Ends the worker's thread. */
  onStuck(): void;
}

/** A worker is looked at so many times within the handler's time. */
const LOOKS = 8;
const MIN_INTERVAL_MS = 10;
const MAX_INTERVAL_MS = 1000;

export class Watchdog {
  readonly #isDebugged: () => boolean;
  readonly #watched = new Map<Watched, { progress: string | undefined; stuckMs: number }>();
  /** 0: nobody looks. */
  readonly #intervalMs: number;
  #lookedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param timeoutMs a hook's; 0 is no limit
   * @param isDebugged true while a debugger may hold threads at a breakpoint: nothing is stuck then
   */
  constructor(timeoutMs: number, isDebugged: () => boolean) {
    this.#isDebugged = isDebugged;
    const between = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, timeoutMs / LOOKS));
    this.#intervalMs = timeoutMs === 0 ? 0 : between;
  }

  watch(watched: Watched): void {
    this.#watched.set(watched, { progress: undefined, stuckMs: 0 });
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
  }

  start(): void {
    if (this.#intervalMs === 0) return;
    this.#lookedAt = performance.now();
    // What it watches keeps the process alive, not the watch.
    this.#timer = setInterval(this.#look, this.#intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  readonly #look = (): void => {
    const now = performance.now();
    // A machine or an I/O thread that stood still must not be held against the workers.
    const passed = Math.min(now - this.#lookedAt, 2 * this.#intervalMs);
    this.#lookedAt = now;
    const isDebugged = this.#isDebugged();
    for (const [watched, last] of this.#watched) {
      const progress = watched.progress();
      if (progress === undefined || progress !== last.progress || isDebugged) {
        last.progress = progress;
        last.stuckMs = 0;
        watched.onProgress();
        continue;
      }
      if (watched.isHeldUp) continue;
      last.stuckMs += passed;
      if (last.stuckMs < watched.allowedMs) continue;
      last.progress = undefined;
      watched.onStuck();
    }
  };
}
