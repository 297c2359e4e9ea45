/**
 * Watches shards that run a new version beside those that run the old one, and says when the new one is worse. I/O thread.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LatencySampler } from '../../telemetry/latency.js';
import type { Shard } from '../dispatch/shard.js';

/** As in `ReloadOptions`. */
export interface CanaryLimits {
  readonly canaryMs: number;
  readonly canaryLatency: number;
}

/** What happened in some shards while they were watched. */
export interface Health {
  readonly messages: number;
  /** Hooks that threw or rejected. */
  readonly errors: number;
  /** Hooks that were late, loops among them. */
  readonly timeouts: number;
  /** Workers that ended by themselves. */
  readonly deaths: number;
  /** Of messages, in ms; undefined when there are too few to tell. */
  readonly p99Ms: number | undefined;
}

/** Between two looks, and what the samples of latency are counted by. */
const LOOK_MS = 1000;
const SAMPLES_PER_SECOND = 500;
/** A percentile of fewer samples says nothing. */
const MIN_SAMPLES = 100;
/** A p99 below is good, whatever that of the others: on an idle machine it is below 1 ms, and a pause of V8's takes as long. */
const GOOD_P99_MS = 10;

/** Why the canaries are worse than the others; undefined when they are not. Pure. */
export function judge(canaries: Health, others: Health, canaryLatency: number): string | undefined {
  const share = canaries.messages / Math.max(1, others.messages);
  const counts = [
    ['deaths of workers', canaries.deaths, others.deaths],
    ['handler errors', canaries.errors, others.errors],
    ['handler timeouts', canaries.timeouts, others.timeouts],
  ] as const;
  for (const [what, count, othersCount] of counts) {
    const expected = othersCount * share;
    // Three standard deviations of what comes by chance.
    if (count > expected + 3 * Math.sqrt(expected))
      return `${count} ${what} in ${canaries.messages} messages, and ${othersCount} in ${others.messages} of the others`;
  }
  const [p99, othersP99] = [canaries.p99Ms, others.p99Ms];
  if (canaryLatency === 0 || p99 === undefined || othersP99 === undefined) return undefined;
  if (p99 <= Math.max(GOOD_P99_MS, othersP99 * canaryLatency)) return undefined;
  return `a p99 of ${p99.toFixed(1)} ms, and of ${othersP99.toFixed(1)} ms in the others`;
}

/** Some shards, from when it is made. */
class Group {
  readonly sampler = new LatencySampler(SAMPLES_PER_SECOND);
  readonly #shards: readonly Shard[];
  readonly #before: readonly Health[];
  #p99Ms: number | undefined;

  constructor(shards: readonly Shard[]) {
    this.#shards = shards;
    this.#before = shards.map(healthOf);
  }

  look(): Health {
    const latency = this.sampler.tick();
    if (latency !== undefined && latency.samples >= MIN_SAMPLES) this.#p99Ms = latency.p99Ms;
    const sum = (key: 'messages' | 'errors' | 'timeouts' | 'deaths') =>
      this.#shards.reduce((so, shard, i) => so + healthOf(shard)[key] - this.#before[i]![key], 0);
    return {
      messages: sum('messages'),
      errors: sum('errors'),
      timeouts: sum('timeouts'),
      deaths: sum('deaths'),
      p99Ms: this.#p99Ms,
    };
  }
}

function healthOf({ faults, messages }: Shard): Health {
  return { messages, ...faults, p99Ms: undefined };
}

/** Attaches samplers to shards; all are taken off by `undefined`. */
export type Sample = (samplerOf: ((shard: Shard) => LatencySampler) | undefined) => void;

/** @returns why they are worse, as soon as they are; undefined when their time is over, or the signal has aborted */
export async function watchCanaries(
  canaries: readonly Shard[],
  others: readonly Shard[],
  { canaryMs, canaryLatency }: CanaryLimits,
  sample: Sample,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [watched, compared] = [new Group(canaries), new Group(others)];
  sample((shard) => (canaries.includes(shard) ? watched : compared).sampler);
  try {
    const end = performance.now() + canaryMs;
    for (let left = canaryMs; left > 0 && !signal.aborted; left = end - performance.now()) {
      await delay(Math.min(LOOK_MS, left), undefined, { signal }).catch(() => {});
      const reason = judge(watched.look(), compared.look(), canaryLatency);
      if (reason !== undefined) return reason;
    }
    return undefined;
  } finally {
    sample(undefined);
  }
}
