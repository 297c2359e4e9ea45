/** When to try again: exponential backoff with jitter, so that pages do not all come back at the same moment. */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Codes after which the same connection can be expected to work again (RFC 6455 §7.4.1, IANA registry). */
const TEMPORARY = [1001, 1005, 1006, 1011, 1012, 1013, 1014];

export function isTemporary(code) {
  return TEMPORARY.includes(code);
}

export class Backoff {
  #timer = 0;
  #tries = 0;

  /** How many tries there have been since it worked. */
  get tries() {
    return this.#tries;
  }

  /** @returns milliseconds until `action` is called */
  schedule(action) {
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#tries);
    const delay = longest * (0.5 + Math.random() / 2);
    this.#tries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delay);
    return delay;
  }

  /** It worked, or nobody waits for it any more. */
  reset() {
    clearTimeout(this.#timer);
    this.#tries = 0;
  }
}
