/**
 * Which requests are answered in the middle of a poll phase. The engine hands over all that a client has sent at once
 * (pipelining), one after the other, while nobody else is served; but it cuts off a client whose next request is there
 * before the last is answered. So what is beyond the budget of a phase is answered at its end.
 */

/** Requests of one poll phase that are answered at once: about 3 ms of work. */
const AT_ONCE = 64;

export class RequestBudget {
  #left = AT_ONCE;

  /** Takes one request from it. True when it is to be answered later. */
  isSpent(): boolean {
    if (this.#left === AT_ONCE) setImmediate(this.#renew);
    if (this.#left === 0) return true;
    this.#left--;
    return false;
  }

  readonly #renew = (): void => {
    this.#left = AT_ONCE;
  };
}
