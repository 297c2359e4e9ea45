/** The topics with history that this node follows. I/O thread. */
import type { Position } from '../../api/broker.js';
import { HubError } from '../../api/errors.js';
import type { BrokerPublication } from '../../broker/broker.js';
import { Interest } from './interest.js';
import { type Splice, Stream, type StreamHost } from './stream.js';
import type { HistoryRule, TopicRules } from './topic-rules.js';

/** Positions are looked at so often, as the last publication before a silence may be the one that was missed. */
const CHECK_MS = 40_000;
/** Topics that are looked at at the same time. */
const CHECKS = 32;

export class Streams {
  readonly #host: StreamHost;
  readonly #rules: TopicRules;
  readonly #streams: Interest<Stream>;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;

  constructor(rules: TopicRules, host: StreamHost) {
    this.#host = host;
    this.#rules = rules;
    this.#streams = new Interest(
      (topic) => new Stream(topic, historyRule(rules, topic), host),
      (_, stream) => stream.close(),
    );
  }

  start(): void {
    if (this.#host.broker.hasOthers) this.#checkLater();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#streams.close();
  }

  /** The rules are other ones; which topics have a history is not. */
  renewRules(): void {
    for (const stream of this.#streams.values()) stream.renewRule(historyRule(this.#rules, stream.topic));
  }

  /** Somebody is subscribed. */
  retain(topic: string): void {
    const stream = this.#streams.retain(topic);
    // Tried again when the engine is back.
    stream.open().catch(() => {});
  }

  release(topic: string): void {
    this.#streams.release(topic);
  }

  /** @see Stream.resume */
  async resume(topic: string, since: Position | undefined, splice: Splice): Promise<void> {
    const stream = this.#streams.retain(topic);
    try {
      await stream.resume(since, splice);
    } finally {
      this.#streams.release(topic);
    }
  }

  onPublication(topic: string, publication: BrokerPublication, previous: number, epoch: string): void {
    this.#streams.get(topic)?.onPublication(publication, previous, epoch);
  }

  /** Looks where every topic is. */
  check(): Promise<void> {
    this.#checking ??= this.#checkAll().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #checkAll(): Promise<void> {
    const all = [...this.#streams.values()];
    const next = async (): Promise<void> => {
      for (let stream = all.pop(); stream !== undefined; stream = all.pop())
        await stream.check().catch(() => {});
    };
    await Promise.all(Array.from({ length: CHECKS }, next));
  }

  #checkLater(): void {
    // Not all nodes at the same time.
    const ms = CHECK_MS * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.check().then(() => this.#checkLater()), ms).unref();
  }
}

/** @throws HubError `ERR_ARGUMENT` for a topic without history */
export function historyRule(rules: TopicRules, topic: string): HistoryRule {
  const rule = rules.of(topic);
  if (rule?.history !== undefined) return rule as HistoryRule;
  const text = `the topic ${JSON.stringify(topic)} has no history: the option topics gives it one (history)`;
  throw new HubError('ERR_ARGUMENT', text);
}
