/** A token bucket: so many tokens a second, of which so many may be saved up. Pure. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #at: number;
  #stalledMs: number;

  /** @param now ms, of any clock that goes forward; this and `stalledMs` of the same clocks as in `take` */
  constructor(perSecond: number, capacity: number, now: number, stalledMs = 0) {
    this.#perMs = perSecond / 1000;
    this.#capacity = capacity;
    this.#tokens = capacity;
    this.#at = now;
    this.#stalledMs = stalledMs;
  }

  /**
   * Takes tokens if there are as many; false, and takes none, if there are not.
   *
   * @param stalledMs how long, until now, nobody was there to take any: what comes in after a stall was due in it, so that
   * its tokens are there in addition to what may be saved up
   */
  take(count: number, now: number, stalledMs = 0): boolean {
    const stalled = stalledMs - this.#stalledMs;
    const refilled = this.#tokens + (now - this.#at - stalled) * this.#perMs;
    this.#tokens = Math.max(this.#tokens, Math.min(this.#capacity, refilled)) + stalled * this.#perMs;
    this.#stalledMs = stalledMs;
    this.#at = now;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
