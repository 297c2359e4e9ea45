/**
 * The newest publications of a topic as they were sent, so that most subscribers that resume cost the engine nothing: after
 * a deploy they all come back with nearly the same positions. I/O thread.
 */
import type { BrokerPublication, HistoryBounds } from '../../broker/broker.js';
import { Deque } from '../../util/deque.js';
import type { QueuedMessage } from '../connection/outbound.js';

/** A publication, and its frame. */
export interface Sent {
  readonly publication: BrokerPublication;
  readonly frame: QueuedMessage;
  /** When it is to be forgotten. */
  readonly expiresAt: number;
}

/** Bytes of all tails of a node; a tail that would pass it forgets what it has. */
const MAX_BYTES = 32 * 1024 * 1024;
const OVERHEAD = 256;

/** What the tails of a node have in common. */
export class TailBudget {
  bytes = 0;
}

export class Tail {
  readonly #budget: TailBudget;
  readonly #sent = new Deque<Sent>();
  /** Everything behind this offset is there. */
  start: number;

  constructor(start: number, budget: TailBudget) {
    this.start = start;
    this.#budget = budget;
  }

  push(publication: BrokerPublication, frame: QueuedMessage, bounds: HistoryBounds): void {
    const now = performance.now();
    this.#sent.push({ publication, frame, expiresAt: now + bounds.ttlMs });
    this.#count(bytesOf(frame));
    this.#expire(now);
    while (this.#sent.length > bounds.size) this.#shift();
    if (this.#budget.bytes > MAX_BYTES) this.clear(publication.offset);
  }

  /** What was sent after an offset, oldest first; undefined when not all of it is there. */
  after(offset: number): Sent[] | undefined {
    this.#expire(performance.now());
    if (offset < this.start) return undefined;
    return [...this.#sent].filter(({ publication }) => publication.offset > offset);
  }

  /** Forgets everything: what comes from here on follows on an offset. */
  clear(start: number): void {
    while (this.#sent.length > 0) this.#shift();
    this.start = start;
  }

  /** What is older is known too, from the history. */
  extend(start: number, older: readonly Sent[], bounds: HistoryBounds): void {
    const newer = [...this.#sent];
    this.clear(start);
    const known = older.filter(
      ({ publication }) => publication.offset < (newer[0]?.publication.offset ?? Number.POSITIVE_INFINITY),
    );
    for (const { publication, frame } of [...known, ...newer]) this.push(publication, frame, bounds);
  }

  #expire(now: number): void {
    for (
      let oldest = this.#sent.peek();
      oldest !== undefined && oldest.expiresAt <= now;
      oldest = this.#sent.peek()
    )
      this.#shift();
  }

  #shift(): void {
    const { publication, frame } = this.#sent.shift()!;
    this.start = publication.offset;
    this.#count(-bytesOf(frame));
  }

  #count(bytes: number): void {
    this.#budget.bytes += bytes;
  }
}

function bytesOf(frame: QueuedMessage): number {
  return frame.data.length + OVERHEAD;
}
