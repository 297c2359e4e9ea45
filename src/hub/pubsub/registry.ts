/**
 * The connections as the application addresses them: one by its id, a user's, a topic's subscribers, or all. I/O
 * thread.
 */
import type { Position } from '../../api/broker.js';
import { CloseCode } from '../../api/close-codes.js';
import type { HubConnection } from '../../api/connection.js';
import { describe, HubError } from '../../api/errors.js';
import type { Payload } from '../../api/payload.js';
import type { ConnectionFilter, Except, HubPublishOptions } from '../../api/publish.js';
import type { Counters } from '../../telemetry/counters.js';
import { copyOf, isUint8Array } from '../../wire/bytes.js';
import { parseConnectionId } from '../../wire/id.js';
import { conflationKey, type PublishRecord, publicationId, topicName } from '../../wire/publish.js';
import type { Connection } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import { memberOf } from '../connection/member.js';
import { type OutboundLimits, type QueuedMessage, queuedMessage } from '../connection/outbound.js';
import { toPayload } from '../connection/payload.js';
import type { FanOut } from '../dispatch/replies.js';
import { ConnectionHandle, type ConnectionHandleHost } from './connection-handle.js';
import { Pings } from './pings.js';
import type { TopicOutlet } from './topic-outlet.js';
import { Topics } from './topics.js';
import { Users } from './users.js';

export interface RegistryLimits {
  readonly maxSubscriptions: number;
  readonly slowConsumer: OutboundLimits['slowConsumer'];
}

export class Registry implements FanOut, ConnectionHandleHost {
  readonly pings: Pings;
  readonly #connections: Connections;
  readonly #counters: Counters;
  readonly #limits: RegistryLimits;
  readonly #topics = new Topics();
  readonly #users = new Users();

  constructor(connections: Connections, counters: Counters, limits: RegistryLimits) {
    this.#connections = connections;
    this.#counters = counters;
    this.#limits = limits;
    this.pings = new Pings(counters);
  }

  /** From here on topics are more than the connections of this process. */
  connect(outlet: TopicOutlet): void {
    this.#topics.outlet = outlet;
  }

  add(connection: Connection): void {
    this.#users.add(connection);
  }

  remove(connection: Connection): void {
    this.#users.remove(connection);
    this.#topics.removeConnection(connection);
    this.pings.onGone(connection);
  }

  /** @throws HubError `ERR_TOPIC` */
  #nameOf(topic: string): string {
    return topicName(topic, this.#topics.outlet !== undefined);
  }

  // Who there is

  handleOf(connection: Connection): HubConnection {
    const member = memberOf(connection);
    member.handle ??= new ConnectionHandle(connection, this);
    return member.handle as HubConnection;
  }

  /** An open connection by its id. */
  get(id: string): HubConnection | undefined {
    const connection = this.find(id);
    return connection === undefined ? undefined : this.handleOf(connection);
  }

  list(filter: ConnectionFilter = {}): IterableIterator<HubConnection> {
    checkFilter(filter);
    return this.#list(filter, filter.topic === undefined ? undefined : this.#nameOf(filter.topic));
  }

  *#list(filter: ConnectionFilter, topic: string | undefined): IterableIterator<HubConnection> {
    for (const connection of this.#candidates(filter.userId, topic)) {
      if (!isReachable(connection)) continue;
      if (topic !== undefined && !connection.member?.topics?.has(topic)) continue;
      if (filter.path !== undefined && connection.route.path !== filter.path) continue;
      const handle = this.handleOf(connection);
      if (filter.where === undefined || filter.where(handle)) yield handle;
    }
  }

  /** Subscribers of each topic. */
  topics(): Map<string, number> {
    return new Map(this.#topics.names().map((topic) => [topic, this.#topics.subscribers(topic).size]));
  }

  /** Those of one topic. */
  subscribers(topic: string): ReadonlySet<Connection> {
    return this.#topics.subscribers(topic);
  }

  // What they are sent

  publish(connection: Connection | undefined, record: PublishRecord, isBinary: boolean): void {
    this.publishRecord(connection, record, isBinary, undefined);
  }

  /** @returns as {@link TopicOutlet.publish} */
  publishRecord(
    connection: Connection | undefined,
    { topic, key, toSelf, data }: PublishRecord,
    isBinary: boolean,
    id: string | undefined,
  ): number | Promise<Position> {
    const except = toSelf || connection === undefined ? undefined : new Set([connection]);
    const own = Uint8Array.prototype.slice.call(data);
    return this.#publish(topic, own, isBinary, key, except, id);
  }

  publishData(
    topic: string,
    data: Payload,
    { except, conflate, id }: HubPublishOptions = {},
  ): number | Promise<Position> {
    const name = this.#nameOf(topic);
    const key = conflationKey(name, conflate);
    const { bytes, isBinary } = toOwnPayload(data);
    return this.#publish(name, bytes, isBinary, key, this.#toSet(except), publicationId(id));
  }

  /** Sends a message to the subscribers of a topic that are here. @returns for how many it was queued */
  deliver(topic: string, message: QueuedMessage, except: ReadonlySet<Connection> | undefined): number {
    const count = this.#topics.publish(topic, message, except);
    this.#counters.published++;
    this.#counters.deliveries += count;
    return count;
  }

  broadcast(data: Payload, except?: Except): number {
    return this.#sendTo(this.#connections, this.#prepare(data), this.#toSet(except));
  }

  sendToUser(userId: string | number, data: Payload, except?: Except): number {
    checkUserId(userId);
    return this.#sendTo(this.#users.of(userId), this.#prepare(data), this.#toSet(except));
  }

  /** What another hub of the cluster sends to a user, or to everybody. */
  sendFrame(userId: string | undefined, data: Uint8Array, isBinary: boolean): number {
    const to = userId === undefined ? this.#connections : this.#users.of(userId);
    return this.#sendTo(to, queuedMessage(data, isBinary), undefined);
  }

  /** Sends everybody a message of which a slow peer gets the newest only. */
  beat(message: Payload, key: string): void {
    this.#sendTo(this.#connections, this.#prepare(message, key), undefined);
  }

  /** With the policy `conflate`, everything that is published conflates by its topic. */
  #policyKey(topic: string): string | undefined {
    return conflationKey(topic, this.#limits.slowConsumer === 'conflate');
  }

  #sendTo(to: Iterable<Connection>, message: QueuedMessage, except: Set<Connection> | undefined): number {
    let count = 0;
    for (const connection of to) {
      if (!isReachable(connection) || except?.has(connection)) continue;
      if (connection.post(message)) count++;
    }
    return count;
  }

  #publish(
    topic: string,
    data: Uint8Array,
    isBinary: boolean,
    ownKey: string | undefined,
    except: ReadonlySet<Connection> | undefined,
    id: string | undefined,
  ): number | Promise<Position> {
    const key = ownKey ?? this.#policyKey(topic);
    const { outlet } = this.#topics;
    if (outlet !== undefined) return outlet.publish(topic, { data, isBinary, key, except, id });
    return this.deliver(topic, queuedMessage(data, isBinary, key), except);
  }

  #prepare(data: Payload, key?: string): QueuedMessage {
    const { bytes, isBinary } = toOwnPayload(data);
    return queuedMessage(bytes, isBinary, key);
  }

  #toSet(except: Except | undefined): Set<Connection> | undefined {
    if (except === undefined) return undefined;
    const isOne = typeof except === 'string' || except instanceof ConnectionHandle;
    const list = isOne ? [except] : (except as Iterable<HubConnection | string>);
    if (typeof list?.[Symbol.iterator] !== 'function') throw badExcept(except);
    const set = new Set<Connection>();
    for (const item of list) {
      if (typeof item !== 'string' && !(item instanceof ConnectionHandle)) throw badExcept(item);
      const connection = this.find(typeof item === 'string' ? item : item.id);
      if (connection !== undefined) set.add(connection);
    }
    return set;
  }

  // For handlers and for the application

  subscribe(connection: Connection, topic: string): boolean {
    const name = this.#nameOf(topic);
    if (!connection.isOpen) return false;
    const topics = connection.member?.topics;
    if (topics !== undefined && topics.size >= this.#limits.maxSubscriptions && !topics.has(name)) {
      this.#counters.invalid.subscriptions++;
      connection.fail(CloseCode.PolicyViolation, `over ${this.#limits.maxSubscriptions} subscriptions`);
      return false;
    }
    return this.#topics.subscribe(connection, name);
  }

  unsubscribe(connection: Connection, topic: string): boolean {
    const name = this.#nameOf(topic);
    this.#topics.outlet?.onUnsubscribing(connection, name);
    return this.#topics.unsubscribe(connection, name);
  }

  isSubscribed(connection: Connection, topic: string): boolean {
    return connection.member?.topics?.has(topic) === true;
  }

  /** @returns of how many connections, here */
  disconnectUser(userId: string | number, code: number, reason: string): number {
    checkUserId(userId);
    const all = [...this.#users.of(userId)].filter(isReachable);
    for (const connection of all) connection.closeAfterQueue(code, reason);
    return all.length;
  }

  ping(connection: Connection, payload: string | Uint8Array | undefined, timeoutMs: number): Promise<number> {
    return this.pings.ping(connection, payload, timeoutMs);
  }

  /** @throws HubError `ERR_ARGUMENT` for an id that is no string */
  find(id: string): Connection | undefined {
    if (typeof id !== 'string')
      throw new HubError('ERR_ARGUMENT', `a connection's id is a string, not ${describe(id)}`);
    const parsed = parseConnectionId(id);
    const connection = parsed && this.#connections.get(parsed.slot, parsed.generation);
    return connection !== undefined && isReachable(connection) ? connection : undefined;
  }

  #candidates(userId: string | number | undefined, topic: string | undefined): Iterable<Connection> {
    // Copied: the application may close or subscribe connections while it goes through them.
    if (userId !== undefined) return [...this.#users.of(userId)];
    if (topic !== undefined) return [...this.#topics.subscribers(topic)];
    return this.#connections;
  }
}

/** The message as it will lie in the queues. The application may change its own array afterwards. */
function toOwnPayload(data: Payload): { bytes: Uint8Array; isBinary: boolean } {
  if (isUint8Array(data)) return { bytes: copyOf(data), isBinary: true };
  const { bytes, isBinary } = toPayload(data);
  return { bytes: isBinary ? copyOf(bytes) : bytes, isBinary };
}

const FILTER_KEYS = ['topic', 'userId', 'path', 'where'];

/** A condition that is misspelled would let everybody pass. */
function checkFilter(filter: ConnectionFilter): void {
  const unknown = Object.keys(filter).find((key) => !FILTER_KEYS.includes(key));
  if (unknown !== undefined) {
    const takes = 'takes topic, userId, path and where';
    throw new HubError('ERR_ARGUMENT', `a filter of connections got ${describe(unknown)} but ${takes}`);
  }
  if (filter.userId !== undefined) checkUserId(filter.userId);
}

function checkUserId(userId: unknown): void {
  if (typeof userId === 'string' || typeof userId === 'number') return;
  throw new HubError('ERR_ARGUMENT', `a user's id is a string or a number, not ${describe(userId)}`);
}

function badExcept(got: unknown): HubError {
  const takes = 'takes a connection, its id, or an iterable of these';
  return new HubError('ERR_ARGUMENT', `except got ${describe(got)} but ${takes}`);
}

/** A WebSocket that has not gone: requests to `POST /echo` are connections too, inside. */
function isReachable(connection: Connection): boolean {
  return !connection.isVirtual && !connection.isGone;
}
