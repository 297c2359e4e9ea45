/**
 * The broker that is none: everything stays in this process, with the semantics of the others. Several brokers on one
 * exchange are a cluster within the process. I/O thread.
 */
import type { Position } from '../api/broker.js';
import type {
  Broker,
  BrokerHost,
  BrokerMessage,
  BrokerStats,
  HistoryBounds,
  HistoryRead,
  SendVerdict,
} from './broker.js';
import { unavailable } from './faults.js';
import { MemoryHistory } from './memory-history.js';

/** What is kept for long enough is dropped so often at the latest. */
const SWEEP_MS = 1000;

/** What brokers have in common: the history, and who is there. */
export class MemoryExchange {
  readonly history: MemoryHistory;
  readonly members = new Set<MemoryBroker>();
  #timer: NodeJS.Timeout | undefined;

  constructor(history = new MemoryHistory()) {
    this.history = history;
  }

  /** Something is kept. */
  keep(): void {
    this.#timer ??= setInterval(() => this.history.expire(), SWEEP_MS).unref();
  }

  leave(broker: MemoryBroker): void {
    if (!this.members.delete(broker)) return;
    if (this.members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

export class MemoryBroker implements Broker {
  readonly name = 'memory';
  readonly maxMessageBytes = Number.POSITIVE_INFINITY;
  readonly hasOthers: boolean;
  readonly #exchange: MemoryExchange;
  readonly #topics = new Set<string>();
  readonly #channels = new Set<string>();
  #host: BrokerHost | undefined;

  /** @param exchange of several brokers; without it, this one is alone */
  constructor(exchange?: MemoryExchange) {
    this.hasOthers = exchange !== undefined;
    this.#exchange = exchange ?? new MemoryExchange();
  }

  start(host: BrokerHost): Promise<void> {
    this.#host = host;
    this.#exchange.members.add(this);
    host.onState('up', '');
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#host = undefined;
    this.#exchange.leave(this);
    return Promise.resolve();
  }

  stats(): BrokerStats {
    return { waitingBytes: 0, foreign: 0 };
  }

  follow(topic: string): Promise<void> {
    this.#topics.add(topic);
    return Promise.resolve();
  }

  unfollow(topic: string): void {
    this.#topics.delete(topic);
  }

  publish(topic: string, message: BrokerMessage): SendVerdict {
    if (this.#host === undefined) return 'away';
    for (const other of this.#exchange.members)
      if (other !== this && other.#topics.has(topic)) other.#host?.onMessage(topic, message);
    return 'sent';
  }

  append(
    topic: string,
    message: BrokerMessage,
    bounds: HistoryBounds,
    id: string | undefined,
  ): Promise<Position> {
    if (this.#host === undefined) return Promise.reject(closed());
    const { node } = this.#host;
    const { members, history } = this.#exchange;
    this.#exchange.keep();
    const { position, previous, isRepeat } = history.append(topic, message, node, bounds, id);
    if (isRepeat) return Promise.resolve(position);
    const publication = { offset: position.offset, node, message };
    for (const member of members)
      if (member.#topics.has(topic))
        member.#host?.onPublication(topic, publication, previous, position.epoch);
    return Promise.resolve(position);
  }

  read(
    topic: string,
    _bounds: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead> {
    if (this.#host === undefined) return Promise.reject(closed());
    return Promise.resolve(this.#exchange.history.read(topic, since, limit));
  }

  listen(channel: string): Promise<void> {
    this.#channels.add(channel);
    return Promise.resolve();
  }

  unlisten(channel: string): void {
    this.#channels.delete(channel);
  }

  signal(channel: string, bytes: Uint8Array): SendVerdict {
    if (this.#host === undefined) return 'away';
    for (const other of this.#exchange.members)
      if (other !== this && other.#channels.has(channel)) other.#host?.onSignal(channel, bytes);
    return 'sent';
  }
}

function closed(): Error {
  return unavailable('memory', 'it is closed');
}
