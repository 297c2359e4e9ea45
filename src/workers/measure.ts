/** Measures hooks: what a worker keeps of one that is measured. Both threads with `workers: 0`, else the worker's. */
import type { Histogram } from '../util/histogram.js';
import { ownThreadId } from '../util/thread-id.js';
import type { WorkerMemory } from '../wire/layout.js';
import { Timings } from '../wire/timings.js';

/** Undefined when nothing is to be measured. */
export function openTimings({ timings: memory }: WorkerMemory, handlers: number): Timings | undefined {
  if (memory === undefined) return undefined;
  const timings = new Timings(memory, handlers);
  timings.threadId = ownThreadId();
  return timings;
}

/** A hook that is measured, from its call to its end, which may be that of a promise. */
export class Measure {
  readonly #histogram: Histogram;
  readonly #weight: number;
  readonly #startedAt = performance.now();

  /** @param weight how many hooks it stands for */
  constructor(histogram: Histogram, weight: number) {
    this.#histogram = histogram;
    this.#weight = weight;
  }

  end(): void {
    this.#histogram.observe((performance.now() - this.#startedAt) / 1000, this.#weight);
  }
}
