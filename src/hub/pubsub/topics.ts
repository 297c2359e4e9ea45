/**
 * Topics: who is subscribed to what, and the fan-out of published messages. I/O thread.
 *
 * A publish puts one message, prepared once, into the outbound queue of every subscriber; the queues are sent in the
 * I/O thread's turns. So a message keeps its place among the direct replies, a slow subscriber follows its own
 * outbound policy, and the faster messages are published the more of them leave with one write.
 */
import type { Connection } from '../connection/connection.js';
import { memberOf } from '../connection/member.js';
import type { QueuedMessage } from '../connection/outbound.js';
import type { TopicOutlet } from './topic-outlet.js';

export class Topics {
  readonly #subscribers = new Map<string, Set<Connection>>();
  /** Told of every subscription, where somebody else has to know. */
  outlet: TopicOutlet | undefined = undefined;

  /** Names of the topics that somebody is subscribed to. */
  names(): string[] {
    return [...this.#subscribers.keys()];
  }

  /** Who is subscribed, in the order in which they came. */
  subscribers(topic: string): ReadonlySet<Connection> {
    return this.#subscribers.get(topic) ?? NOBODY;
  }

  /** False when it was subscribed before. */
  subscribe(connection: Connection, topic: string): boolean {
    const member = memberOf(connection);
    member.topics ??= new Set();
    if (member.topics.has(topic)) return false;
    member.topics.add(topic);
    const subscribers = this.#subscribers.get(topic);
    if (subscribers === undefined) this.#subscribers.set(topic, new Set([connection]));
    else subscribers.add(connection);
    this.outlet?.onSubscribed(connection, topic);
    return true;
  }

  /** False when it was not subscribed. */
  unsubscribe(connection: Connection, topic: string): boolean {
    if (!connection.member?.topics?.delete(topic)) return false;
    this.#remove(connection, topic);
    return true;
  }

  /** The connection is gone. */
  removeConnection(connection: Connection): void {
    const member = connection.member;
    for (const topic of member?.topics ?? []) this.#remove(connection, topic);
    if (member !== undefined) member.topics = undefined;
  }

  /**
   * Queues a message for everybody who is subscribed.
   *
   * @returns for how many it was queued
   */
  publish(topic: string, message: QueuedMessage, except?: ReadonlySet<Connection>): number {
    let count = 0;
    for (const connection of this.subscribers(topic)) {
      if (except?.has(connection)) continue;
      if (connection.post(message)) count++;
    }
    return count;
  }

  #remove(connection: Connection, topic: string): void {
    const subscribers = this.#subscribers.get(topic)!;
    subscribers.delete(connection);
    if (subscribers.size === 0) this.#subscribers.delete(topic);
    this.outlet?.onUnsubscribed(connection, topic);
  }
}

const NOBODY: ReadonlySet<Connection> = new Set();
