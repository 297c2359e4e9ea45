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

  /** Resolves after `ms`, at once if there is nothing to wait for, or as soon as the run is stopped. */
  async sleep(ms: number): Promise<void> {
    if (ms <= 0) return;
    await this.#until((wake) => {
      const timer = setTimeout(wake, ms);
      return () => clearTimeout(timer);
    });
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
