/**
 * A connection's outbound queue: the replies that its socket could not take yet, and published messages until the next
 * turn. Bounded in bytes and in messages, with a policy for when it is full. On the I/O thread.
 */
import { type Counters, RECORD_OVERHEAD, REFERENCE_OVERHEAD } from '../../telemetry/counters.js';
import { Deque } from '../../util/deque.js';
import { Copies, giveBack } from './copies.js';

export interface OutboundLimits {
  readonly maxQueueBytes: number;
  readonly maxQueueMessages: number;
  readonly slowConsumer: 'close' | 'drop-newest' | 'drop-oldest' | 'conflate';
}

/** A message in queues: of one connection, or of all subscribers of a topic. */
export interface QueuedMessage {
  readonly data: Uint8Array;
  readonly isBinary: boolean;
  /** True when `data` is in one queue and nowhere else. */
  readonly isOwn: boolean;
  /** In the queue of a slow peer, a newer message with the same key takes the place of this one. */
  readonly key: string | undefined;
  /** How many queues hold it: its bytes are counted once. */
  holders: number;
}

/** @param data not copied: it must not change any more */
export function queuedMessage(data: Uint8Array, isBinary: boolean, key?: string): QueuedMessage {
  return { data, isBinary, isOwn: false, key, holders: 0 };
}

/** A message that has left its queue has been sent or given up. */
export function dispose({ isOwn, data }: QueuedMessage): void {
  if (isOwn) giveBack(data);
}

/** What became of a message that was to be queued. */
export type EnqueueVerdict = 'queued' | 'dropped' | 'overflow';

/** Superseded messages are swept when there are more of them than of the others, and at least so many. */
const SWEEP_AT = 64;

export class OutboundQueue {
  readonly #limits: OutboundLimits;
  readonly #counters: Counters;
  readonly #copies = new Copies();
  #messages = new Deque<QueuedMessage>();
  /** The newest message of each key. */
  #newest: Map<string, QueuedMessage> | undefined;
  /** Messages that a newer one took the place of: they are passed over. */
  #superseded: Set<QueuedMessage> | undefined;
  #bytes = 0;
  #length = 0;

  constructor(limits: OutboundLimits, counters: Counters) {
    this.#limits = limits;
    this.#counters = counters;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True when so many bytes more would pass a bound. */
  isFull(bytes: number): boolean {
    const { maxQueueBytes, maxQueueMessages } = this.#limits;
    return this.#bytes + bytes > maxQueueBytes || this.#length >= maxQueueMessages;
  }

  /** Takes a copy of the data. `overflow` leaves the queue as it is: the caller closes the connection. */
  enqueueCopy(data: Uint8Array, isBinary: boolean): EnqueueVerdict {
    const verdict = this.#makeSpace(data.length);
    if (verdict !== 'queued') return verdict;
    const copy = this.#copies.take(data, this.#length);
    this.#push({ data: copy, isBinary, isOwn: true, key: undefined, holders: 0 });
    return verdict;
  }

  /** @param conflate drop an earlier message with the same key: the peer does not keep up */
  enqueue(message: QueuedMessage, conflate: boolean): EnqueueVerdict {
    const { key } = message;
    if (conflate && key !== undefined) this.#supersede(key);
    const verdict = this.#makeSpace(message.data.length);
    if (verdict !== 'queued') return verdict;
    this.#push(message);
    if (key !== undefined) {
      this.#newest ??= new Map();
      this.#newest.set(key, message);
    }
    return verdict;
  }

  /** The oldest message: to be disposed of. */
  shift(): QueuedMessage | undefined {
    for (;;) {
      const message = this.#messages.shift();
      if (message === undefined) return undefined;
      if (this.#superseded?.delete(message)) continue;
      this.#remove(message);
      return message;
    }
  }

  /** Empties the queue. @returns how many messages were in it */
  clear(): number {
    const count = this.#length;
    while (this.#drop());
    return count;
  }

  #drop(): boolean {
    const message = this.shift();
    if (message !== undefined) dispose(message);
    return message !== undefined;
  }

  /** Room for so many bytes, as far as the policy allows it. */
  #makeSpace(bytes: number): EnqueueVerdict {
    if (!this.isFull(bytes)) return 'queued';
    const { slowConsumer, maxQueueBytes } = this.#limits;
    if (slowConsumer === 'close' || slowConsumer === 'conflate') return 'overflow';
    if (slowConsumer === 'drop-oldest' && bytes <= maxQueueBytes) {
      while (this.isFull(bytes)) {
        this.#drop();
        this.#counters.dropped['drop-oldest']++;
      }
      return 'queued';
    }
    this.#counters.dropped[slowConsumer]++;
    return 'dropped';
  }

  #supersede(key: string): void {
    const earlier = this.#newest?.get(key);
    if (earlier === undefined) return;
    this.#counters.dropped.conflated++;
    this.#remove(earlier);
    this.#superseded ??= new Set();
    this.#superseded.add(earlier);
    const { size } = this.#superseded;
    if (size < SWEEP_AT || size < this.#length) return;
    this.#messages = Deque.from([...this.#messages].filter((message) => !this.#superseded!.has(message)));
    this.#superseded.clear();
  }

  #push(message: QueuedMessage): void {
    this.#messages.push(message);
    this.#length++;
    this.#bytes += message.data.length;
    this.#counters.queuedMessages++;
    this.#counters.queuedOverhead += REFERENCE_OVERHEAD;
    if (message.holders++ > 0) return;
    this.#counters.queuedBytes += message.data.length;
    this.#counters.queuedOverhead += RECORD_OVERHEAD;
  }

  /** The message counts no more. */
  #remove(message: QueuedMessage): void {
    this.#length--;
    this.#bytes -= message.data.length;
    this.#counters.queuedMessages--;
    this.#counters.queuedOverhead -= REFERENCE_OVERHEAD;
    if (--message.holders === 0) {
      this.#counters.queuedBytes -= message.data.length;
      this.#counters.queuedOverhead -= RECORD_OVERHEAD;
    }
    const { key } = message;
    if (key !== undefined && this.#newest!.get(key) === message) this.#newest!.delete(key);
  }
}
