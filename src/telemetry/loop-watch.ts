/**
 * How busy and how late the event loops of all threads are, second by second: while somebody scrapes, and a minute longer.
 * While nobody does, there is no timer and no probe. I/O thread.
 */
import {
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  performance,
} from 'node:perf_hooks';
import { Histogram, SECONDS } from '../util/histogram.js';

/** The workers, in order. */
export interface LoopSource {
  /** Asks every worker's thread for a sign of life. */
  probe(): void;
  /** How long each took to answer, in ms. */
  loopDelays(): (number | null)[];
  utilizations(): (EventLoopUtilization | undefined)[];
}

const TICK_MS = 1000;
const IDLE_TICKS = 60;
/** How often the histogram looks at the loop; what it records includes this. */
const RESOLUTION_MS = 10;

export class LoopWatch {
  /** The I/O thread's, then those of the workers. */
  readonly delays: Histogram[];
  readonly utilizations: number[];
  readonly #source: LoopSource;
  #before: (EventLoopUtilization | undefined)[] = [];
  #loop: IntervalHistogram | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticksLeft = 0;

  constructor(source: LoopSource, workers: number) {
    this.#source = source;
    this.delays = Array.from({ length: workers + 1 }, () => new Histogram(SECONDS));
    this.utilizations = this.delays.map(() => 0);
  }

  /** Somebody looks. */
  touch(): void {
    this.#ticksLeft = IDLE_TICKS;
    if (this.#timer !== undefined) return;
    this.#loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#loop.enable();
    this.#before = this.#look();
    this.#source.probe();
    this.#timer = setInterval(this.#tick, TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#loop?.disable();
  }

  readonly #tick = (): void => {
    const delays = [Math.max(0, this.#loop!.max / 1e6 - RESOLUTION_MS), ...this.#source.loopDelays()];
    this.#loop!.reset();
    const now = this.#look();
    // There may be more workers than at the start.
    while (this.delays.length < delays.length) this.delays.push(new Histogram(SECONDS));
    for (const [i, histogram] of this.delays.entries()) {
      const delayMs = delays[i];
      if (delayMs !== null && delayMs !== undefined) histogram.observe(delayMs / 1000);
      this.utilizations[i] = utilizationOf(now[i], this.#before[i]);
    }
    this.#before = now;
    if (--this.#ticksLeft === 0) this.stop();
    else this.#source.probe();
  };

  #look(): (EventLoopUtilization | undefined)[] {
    return [performance.eventLoopUtilization(), ...this.#source.utilizations()];
  }
}

/** Of the time between two looks. A thread that was replaced meanwhile starts over. */
function utilizationOf(
  now: EventLoopUtilization | undefined,
  before: EventLoopUtilization | undefined,
): number {
  if (now === undefined) return 0;
  if (before === undefined || now.active < before.active) return now.utilization;
  return performance.eventLoopUtilization(now, before).utilization;
}
