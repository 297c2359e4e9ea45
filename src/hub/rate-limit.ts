/** What one connection may send: messages and bytes per second. */
import { TokenBucket } from './token-bucket.js';

export interface RateLimit {
  readonly messages?: number | undefined;
  readonly bytes?: number | undefined;
  /** Seconds of it that may be saved up. */
  readonly burst: number;
}

export class RateLimiter {
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;

  constructor({ messages, bytes, burst }: RateLimit, now: number) {
    // A bucket holds at least one message of any size that a second allows.
    if (messages !== undefined)
      this.#messages = new TokenBucket(messages, Math.max(1, messages * burst), now);
    if (bytes !== undefined) this.#bytes = new TokenBucket(bytes, bytes * burst, now);
  }

  /** False when a message of so many bytes is over the limit. */
  allow(bytes: number, now: number): boolean {
    const isWithin = this.#messages === undefined || this.#messages.take(1, now);
    return isWithin && (this.#bytes === undefined || this.#bytes.take(bytes, now));
  }
}
