/** The messages of one connection that are worked on at the same time, in their order: so their replies leave. */
import { Deque } from '../util/deque.js';

/** What stands in line. */
export interface InLine {
  readonly isOver: boolean;
  readonly isAnswered: boolean;
  /** Replies that wait for their turn; undefined when it is. */
  held: unknown[] | undefined;
}

export interface LineHost<Item> {
  /** The job is over, and it is its turn: all its replies. */
  deliver(job: Item): void;
  /** It is the job's turn: what it holds, and from now on its replies as they come. */
  release(job: Item): void;
}

export class Line<Item extends InLine> {
  readonly #jobs = new Deque<Item>();
  readonly #host: LineHost<Item>;

  constructor(host: LineHost<Item>) {
    this.#host = host;
  }

  get isEmpty(): boolean {
    return this.#jobs.length === 0;
  }

  enter(job: Item): void {
    if (!this.isEmpty) job.held = [];
    this.#jobs.push(job);
  }

  /** A job is over: whose turn it is now? */
  advance(): void {
    const jobs = this.#jobs;
    let job = jobs.peek();
    while (job?.isOver) {
      if (!job.isAnswered) this.#host.deliver(job);
      jobs.shift();
      job = jobs.peek();
    }
    if (job?.held !== undefined) this.#host.release(job);
  }
}
