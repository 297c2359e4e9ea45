/** The messages of one connection that are worked on at the same time, in their order: so their replies leave. */
import { Deque } from '../util/deque.js';

/** What it holds. */
export interface ReorderEntry {
  readonly isOver: boolean;
  readonly isAnswered: boolean;
  /** Replies that wait for their turn; undefined when it is. */
  held: unknown[] | undefined;
}

export interface ReorderBufferHost<Item> {
  /** The invocation is over, and it is its turn: all its replies. */
  deliverReplies(invocation: Item): void;
  /** It is the invocation's turn: what it holds, and from now on its replies as they come. */
  releaseReplies(invocation: Item): void;
}

export class ReorderBuffer<Item extends ReorderEntry> {
  readonly #invocations = new Deque<Item>();
  readonly #host: ReorderBufferHost<Item>;

  constructor(host: ReorderBufferHost<Item>) {
    this.#host = host;
  }

  get isEmpty(): boolean {
    return this.#invocations.length === 0;
  }

  add(invocation: Item): void {
    if (!this.isEmpty) invocation.held = [];
    this.#invocations.push(invocation);
  }

  /** An invocation is over: whose turn is it now? */
  advance(): void {
    const invocations = this.#invocations;
    let invocation = invocations.peek();
    while (invocation?.isOver) {
      if (!invocation.isAnswered) this.#host.deliverReplies(invocation);
      invocations.shift();
      invocation = invocations.peek();
    }
    if (invocation?.held !== undefined) this.#host.releaseReplies(invocation);
  }
}
