/** Waiting that ends early when the run is stopped. */
export class Stop {
  #stopped = false;
  readonly #wakers = new Set<() => void>();

  get stopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    this.#stopped = true;
    for (const wake of this.#wakers) wake();
  }

  /** Resolves at `time`, by `performance.now()`, and never before; or as soon as the run is stopped. */
  async sleepUntil(time: number): Promise<void> {
    // A timer counts from the time at which the turn of the event loop began, so it may be early by what the turn took.
    for (let left = time - performance.now(); left > 0 && !this.#stopped; left = time - performance.now()) {
      await this.#until((wake) => {
        const timer = setTimeout(wake, left);
        return () => clearTimeout(timer);
      });
    }
  }

  /** Resolves with `promise`, or with undefined as soon as the run is stopped. */
  async orStopped<T>(promise: Promise<T>): Promise<T | undefined> {
    let value: T | undefined;
    await this.#until((wake) => {
      void promise.then((resolved) => {
        value = resolved;
        wake();
      });
      return () => {};
    });
    return value;
  }

  async #until(arm: (wake: () => void) => () => void): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#wakers.delete(wake);
        disarm();
        resolve();
      };
      this.#wakers.add(wake);
      const disarm = arm(wake);
    });
  }
}
