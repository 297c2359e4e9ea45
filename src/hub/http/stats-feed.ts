/**
 * The statistics as server-sent events (HTML Living Standard §9.2), one a second for everybody who looks. While nobody
 * does, there is no timer, no probe and no sample. I/O thread.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { HubStats, StatsEvent } from '../../api/stats.js';
import { LatencySampler } from '../../telemetry/latency.js';

/** Somebody who looks. */
export interface StatsReader {
  /** False when the reader has not taken what was sent before. Not empty. */
  write(piece: string): boolean;
  end(): void;
  terminate(): void;
}

export interface StatsSource {
  readonly shards: number;
  stats(): HubStats;
  /** From now on the latency of messages is sampled; undefined: not any more. */
  sampleLatency(sampler: LatencySampler | undefined): void;
  /** Asks every worker thread for a sign of life. */
  probe(): void;
  /** What they answered last, by shard. */
  loopDelays(): (number | null)[];
}

export const MAX_STREAMS = 16;
const TICK_MS = 1000;
/** A reader that takes nothing for so many ticks is cut off. */
const MAX_MISSED = 30;
const SAMPLES_PER_SHARD = 20;
const MAX_SAMPLES = 400;
/** How often the histogram looks at the loop; what it records includes this. */
const RESOLUTION_MS = 10;
/** A line that readers ignore. */
const COMMENT = ':\n\n';

/** What is measured while somebody looks. */
interface Watch {
  readonly latency: LatencySampler;
  readonly loop: IntervalHistogram;
  timer: NodeJS.Timeout;
}

export class StatsFeed {
  /** What a stream begins with: a browser that loses it asks again so much later. */
  static readonly PREAMBLE = 'retry: 2000\n\n';
  readonly #source: StatsSource;
  /** Readers, and how many ticks each has missed in a row. */
  readonly #readers = new Map<StatsReader, number>();
  #watch: Watch | undefined;

  constructor(source: StatsSource) {
    this.#source = source;
  }

  get isFull(): boolean {
    return this.#readers.size >= MAX_STREAMS;
  }

  add(reader: StatsReader): void {
    this.#readers.set(reader, 0);
    this.#watch ??= this.#startWatching();
  }

  /** The reader is gone. */
  remove(reader: StatsReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#stopWatching();
  }

  /** Ends every stream. */
  close(): void {
    const readers = [...this.#readers.keys()];
    this.#readers.clear();
    this.#stopWatching();
    for (const reader of readers) reader.end();
  }

  #startWatching(): Watch {
    const latency = new LatencySampler(Math.min(MAX_SAMPLES, SAMPLES_PER_SHARD * this.#source.shards));
    const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    loop.enable();
    this.#source.sampleLatency(latency);
    this.#source.probe();
    return { latency, loop, timer: setTimeout(this.#tick, TICK_MS) };
  }

  #stopWatching(): void {
    if (this.#watch === undefined) return;
    clearTimeout(this.#watch.timer);
    this.#watch.loop.disable();
    this.#watch = undefined;
    this.#source.sampleLatency(undefined);
  }

  readonly #tick = (): void => {
    const watch = this.#watch!;
    // Armed anew instead of an interval: a late tick is not made up for by an early one.
    watch.timer = setTimeout(this.#tick, TICK_MS);
    const event = `data: ${JSON.stringify(this.#measure(watch))}\n\n`;
    for (const [reader, missed] of this.#readers) this.#send(reader, missed, event);
    this.#source.probe();
  };

  #measure({ latency, loop }: Watch): StatsEvent {
    const frontMs = Math.max(0, loop.max / 1e6 - RESOLUTION_MS);
    loop.reset();
    return {
      stats: this.#source.stats(),
      latency: latency.tick() ?? null,
      loopDelay: { frontMs, workersMs: this.#source.loopDelays() },
    };
  }

  /** A reader that has not taken the last event misses this one: it is asked with a comment whether it has. */
  #send(reader: StatsReader, missed: number, event: string): void {
    const isReady = missed === 0 || reader.write(COMMENT);
    const isTaken = isReady && reader.write(event);
    if (missed >= MAX_MISSED) reader.terminate();
    else if (this.#readers.has(reader)) this.#readers.set(reader, isTaken ? 0 : missed + 1);
  }
}
