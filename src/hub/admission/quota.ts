/** How many connections are let in: in all, from one address, and per second. */
import type { RunClock } from '../../util/run-clock.js';
import { TokenBucket } from '../../util/token-bucket.js';
import type { Refusal } from './admission.js';
import { tryAgain } from './admission.js';

export interface QuotaLimits {
  /** 0 is no limit, here and below. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** New connections per second. */
  readonly maxConnectionRate: number;
}

export class Quota {
  readonly #limits: QuotaLimits;
  readonly #clock: RunClock;
  #rate: TokenBucket | undefined;
  readonly #byAddress = new Map<string, number>();
  #open = 0;

  constructor(limits: QuotaLimits, clock: RunClock) {
    this.#limits = limits;
    this.#clock = clock;
    this.renewRate();
  }

  /** The limit of new connections per second has changed, or is new. */
  renewRate(): void {
    const { maxConnectionRate } = this.#limits;
    this.#rate = undefined;
    if (maxConnectionRate === 0) return;
    this.#clock.start();
    const now = performance.now();
    this.#rate = new TokenBucket(maxConnectionRate, maxConnectionRate, now, this.#clock.stalledMs(now));
  }

  /** Gauge: connections that entered and did not leave. */
  get open(): number {
    return this.#open;
  }

  /** The refusal, or undefined to let one more in. */
  refuse(address: string): Refusal | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    if (maxConnections > 0 && this.#open >= maxConnections) {
      return tryAgain('max-connections', 'The server has all the connections it takes.');
    }
    if (maxConnectionsPerAddress > 0 && (this.#byAddress.get(address) ?? 0) >= maxConnectionsPerAddress) {
      const body = 'This address has all the connections it may have.';
      return tryAgain('max-connections-per-address', body);
    }
    return undefined;
  }

  /** The same, and counts it towards the rate. */
  refuseNext(address: string): Refusal | undefined {
    const full = this.refuse(address);
    if (full !== undefined) return full;
    if (this.#rate === undefined) return undefined;
    const now = performance.now();
    if (this.#rate.take(1, now, this.#clock.stalledMs(now))) return undefined;
    return tryAgain('connection-rate', 'Too many new connections: try again.');
  }

  admit(address: string): void {
    this.#open++;
    if (this.#limits.maxConnectionsPerAddress === 0) return;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }

  release(address: string): void {
    this.#open--;
    const count = this.#byAddress.get(address);
    if (count === undefined) return;
    if (count > 1) this.#byAddress.set(address, count - 1);
    else this.#byAddress.delete(address);
  }
}
