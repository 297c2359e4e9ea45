/** Measures hooks: what a worker keeps of one that is measured. Both threads with `workers: 0`, else the worker's. */
import type { Histogram } from '../../util/histogram.js';
import { ownThreadId } from '../../util/thread-id.js';
import type { WorkerMemory } from '../../wire/layout.js';
import { Timings } from '../../wire/timings.js';
import type { HookSpan } from '../tracing/tracer.js';

/** Undefined when nothing is to be measured. */
export function openTimings({ timings: memory }: WorkerMemory, handlers: number): Timings | undefined {
  if (memory === undefined) return undefined;
  const timings = new Timings(memory, handlers);
  timings.threadId = ownThreadId();
  return timings;
}

/** A hook that is measured, traced, or both, from its call to its end, which may be that of a promise. */
export class Measure {
  readonly #histogram: Histogram | undefined;
  readonly #weight: number;
  readonly #span: HookSpan | undefined;
  readonly #startedAt = performance.now();

  /** @param weight how many hooks it stands for */
  constructor(histogram: Histogram | undefined, weight: number, span: HookSpan | undefined) {
    this.#histogram = histogram;
    this.#weight = weight;
    this.#span = span;
  }

  /** What produces the replies of the hook, as part of it. */
  bind<T extends Iterator<unknown> | AsyncIterator<unknown>>(items: T): T {
    return this.#span === undefined ? items : this.#span.bind(items);
  }

  fail(thrown: unknown): void {
    this.#span?.fail(thrown);
  }

  end(): void {
    this.#histogram?.observe((performance.now() - this.#startedAt) / 1000, this.#weight);
    this.#span?.end();
  }
}
