/** What one connection may send: messages and bytes per second. */
import type { RunClock } from '../../util/run-clock.js';
import { TokenBucket } from '../../util/token-bucket.js';

export interface RateLimit {
  readonly messages?: number | undefined;
  readonly bytes?: number | undefined;
  /** Seconds of it that may be saved up. */
  readonly burst: number;
}

/** Whoever answers the hub's pings is never over a limit of pings and pongs: per second, and at once. */
const MIN_CONTROL_RATE = 1;
const MIN_CONTROL_BURST = 10;

export class RateLimiter {
  readonly #clock: RunClock;
  readonly #messages: TokenBucket | undefined;
  readonly #controlFrames: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;

  constructor({ messages, bytes, burst }: RateLimit, clock: RunClock) {
    this.#clock = clock;
    clock.start();
    const bucket = (perSecond: number, capacity: number) => {
      const now = performance.now();
      return new TokenBucket(perSecond, capacity, now, clock.stalledMs(now));
    };
    if (messages !== undefined) {
      // It holds at least one message.
      this.#messages = bucket(messages, Math.max(1, messages * burst));
      const atOnce = Math.max(MIN_CONTROL_BURST, messages * burst);
      this.#controlFrames = bucket(Math.max(MIN_CONTROL_RATE, messages), atOnce);
    }
    if (bytes !== undefined) this.#bytes = bucket(bytes, bytes * burst);
  }

  /**
   * False when a message of so many bytes is over the limit.
   *
   * @param isControl for a ping or a pong: there may be as many of them as messages, beside these
   */
  allow(bytes: number, isControl: boolean): boolean {
    const frames = isControl ? this.#controlFrames : this.#messages;
    const now = performance.now();
    const stalledMs = this.#clock.stalledMs(now);
    const isWithin = frames === undefined || frames.take(1, now, stalledMs);
    return isWithin && (this.#bytes === undefined || this.#bytes.take(bytes, now, stalledMs));
  }
}
