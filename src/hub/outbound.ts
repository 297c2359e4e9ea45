/**
 * A connection's outbound queue: the replies that its socket could not take yet, bounded in bytes and in messages,
 * with a policy for when it is full. On the front end thread.
 */

import { Deque } from '../deque.js';
import type { Counters } from '../metrics/counters.js';

export interface OutboundLimits {
  readonly maxQueueBytes: number;
  readonly maxQueueMessages: number;
  readonly slowConsumer: 'close' | 'drop-newest' | 'drop-oldest';
}

export interface QueuedMessage {
  readonly data: Uint8Array;
  readonly isBinary: boolean;
}

/** What became of a message that was to be queued. */
export type EnqueueVerdict = 'queued' | 'dropped' | 'overflow';

export class OutboundQueue {
  readonly #limits: OutboundLimits;
  readonly #counters: Counters;
  readonly #messages = new Deque<QueuedMessage>();
  #bytes = 0;

  constructor(limits: OutboundLimits, counters: Counters) {
    this.#limits = limits;
    this.#counters = counters;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a copy of the data. `overflow` leaves the queue as it is: the caller closes the connection. */
  enqueue(data: Uint8Array, isBinary: boolean): EnqueueVerdict {
    const bytes = data.byteLength;
    if (!this.#fits(bytes)) {
      switch (this.#limits.slowConsumer) {
        case 'close':
          return 'overflow';
        case 'drop-newest':
          this.#counters.dropped['drop-newest']++;
          return 'dropped';
        case 'drop-oldest':
          if (!this.#makeRoom(bytes)) {
            this.#counters.dropped['drop-oldest']++;
            return 'dropped';
          }
      }
    }
    this.#messages.push({ data: Uint8Array.prototype.slice.call(data), isBinary });
    this.#account(bytes, 1);
    return 'queued';
  }

  peek(): QueuedMessage | undefined {
    return this.#messages.peek();
  }

  shift(): QueuedMessage | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#account(-message.data.byteLength, -1);
    return message;
  }

  /** Empties the queue. @returns how many messages were in it */
  clear(): number {
    const count = this.#messages.length;
    this.#account(-this.#bytes, -count);
    this.#messages.clear();
    return count;
  }

  #fits(bytes: number): boolean {
    const { maxQueueBytes, maxQueueMessages } = this.#limits;
    return this.#bytes + bytes <= maxQueueBytes && this.#messages.length + 1 <= maxQueueMessages;
  }

  /** Drops from the front until so many bytes fit; false when they never can. */
  #makeRoom(bytes: number): boolean {
    if (bytes > this.#limits.maxQueueBytes) return false;
    while (!this.#fits(bytes)) {
      this.shift();
      this.#counters.dropped['drop-oldest']++;
    }
    return true;
  }

  #account(bytes: number, messages: number): void {
    this.#bytes += bytes;
    this.#counters.queuedBytes += bytes;
    this.#counters.queuedMessages += messages;
  }
}
