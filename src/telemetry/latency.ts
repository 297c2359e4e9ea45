/**
 * The latency of a sample of messages, from their acceptance to the end of their record. Used only while somebody
 * looks: what a message costs otherwise is the check whether there is a sampler.
 */
import type { Latency } from '../api/stats.js';

/** What is sampled: something whose records finish in the order in which they were accepted. */
export interface Sampled {
  /** Records that have been accepted and not finished. */
  readonly inFlight: number;
  /** True once records may be dropped instead of being finished. */
  readonly isCut: boolean;
}

/** What is told of messages while somebody looks at their latency. */
export interface LatencyProbe {
  /** A message was accepted; it is in `source.inFlight` already. */
  onAccepted(source: Sampled): void;
  /** Records have finished. */
  onDone(source: Sampled | undefined, records: number): void;
  /** Records are put back or dropped: what has begun to be measured is not comparable any more. */
  forget(): void;
}

/** Two that look at the same time. */
export class BothProbes implements LatencyProbe {
  readonly #first: LatencyProbe;
  readonly #second: LatencyProbe;

  constructor(first: LatencyProbe, second: LatencyProbe) {
    this.#first = first;
    this.#second = second;
  }

  onAccepted(source: Sampled): void {
    this.#first.onAccepted(source);
    this.#second.onAccepted(source);
  }

  onDone(source: Sampled | undefined, records: number): void {
    this.#first.onDone(source, records);
    this.#second.onDone(source, records);
  }

  forget(): void {
    this.#first.forget();
    this.#second.forget();
  }
}

interface Sample {
  readonly acceptedAt: number;
  /** Records that are still to finish, this one included. */
  left: number;
}

/** Seconds that the percentiles are about. */
const WINDOW = 10;

export class LatencySampler implements LatencyProbe {
  readonly #perSecond: number;
  readonly #pending = new Map<Sampled, Sample>();
  /** Milliseconds, one list per second, oldest first. */
  readonly #window: number[][] = [[]];
  /** Every so many messages one is sampled, so that samples are spread over a second. */
  #stride = 1;
  #untilNext = 1;
  #seen = 0;
  #taken = 0;

  /** @param perSecond samples per second, at most */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  onAccepted(source: Sampled): void {
    this.#seen++;
    if (--this.#untilNext > 0) return;
    this.#untilNext = this.#stride;
    if (this.#taken >= this.#perSecond || this.#pending.has(source)) return;
    this.#taken++;
    this.#pending.set(source, { acceptedAt: performance.now(), left: source.inFlight });
  }

  onDone(source: Sampled | undefined, records: number): void {
    if (source === undefined || this.#pending.size === 0) return;
    const sample = this.#pending.get(source);
    if (sample === undefined) return;
    sample.left -= records;
    if (sample.left > 0) return;
    this.#pending.delete(source);
    this.#window.at(-1)!.push(performance.now() - sample.acceptedAt);
  }

  forget(): void {
    this.#pending.clear();
  }

  /** A second is over: what the last ones were like; undefined when no sample finished in them. */
  tick(): Latency | undefined {
    const times = this.#window.flat().sort((a, b) => a - b);
    this.#window.push([]);
    if (this.#window.length > WINDOW) this.#window.shift();
    for (const source of this.#pending.keys()) if (source.isCut) this.#pending.delete(source);
    this.#stride = Math.max(1, Math.ceil(this.#seen / this.#perSecond));
    this.#untilNext = Math.min(this.#untilNext, this.#stride);
    this.#seen = 0;
    this.#taken = 0;
    if (times.length === 0) return undefined;
    return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99), samples: times.length };
  }
}

/** The nearest rank. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}
