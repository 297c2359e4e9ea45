/**
 * What a hub shares with others: publications, history, presence, users. With the broker in memory the others are none, and
 * everything works the same. I/O thread.
 */
import { randomBytes } from 'node:crypto';
import type {
  ClusterNode,
  HistoryOptions,
  HistoryResult,
  Position,
  PresenceResult,
  PresenceStats,
  SubscribeOptions,
  SubscribeResult,
  TopicLoss,
} from '../../api/broker.js';
import { describe, HubError } from '../../api/errors.js';
import type { ClusterStats } from '../../api/stats.js';
import type {
  Broker,
  BrokerHost,
  BrokerMessage,
  BrokerPublication,
  BrokerState,
  HistoryBounds,
} from '../../broker/broker.js';
import { tooLarge } from '../../broker/faults.js';
import { VERSION } from '../../util/version.js';
import { topicName } from '../../wire/publish.js';
import type { Connection } from '../connection/connection.js';
import type { QueuedMessage } from '../connection/outbound.js';
import type { Outgoing, TopicOutlet } from '../pubsub/topic-outlet.js';
import { noteFrame, toFrame, toPublication } from './frame.js';
import { Interest } from './interest.js';
import { Nodes } from './nodes.js';
import { Presence } from './presence.js';
import { checkLimit, checkPosition, Resumptions } from './resumptions.js';
import { changeRules } from './rule-changes.js';
import {
  ALL,
  bytesOf,
  channelOf,
  decodeSignal,
  encodeSignal,
  PROTOCOL,
  type Signal,
  textOf,
} from './signals.js';
import { historyRule, Streams } from './streams.js';
import { TailBudget } from './tail.js';
import type { TopicRule, TopicRules } from './topic-rules.js';

/** What a cluster needs of its hub. */
export interface ClusterHost {
  readonly rules: TopicRules;
  readonly nodeName: string;
  connections(): number;
  find(id: string): Connection | undefined;
  /** Sends a frame to the subscribers of a topic that are here. @returns for how many it was queued */
  deliver(topic: string, frame: QueuedMessage, except: ReadonlySet<Connection> | undefined): number;
  isSubscribed(connection: Connection, topic: string): boolean;
  /** Topics that somebody here is subscribed to. */
  topics(): Iterable<string>;
  subscribers(topic: string): ReadonlySet<Connection>;
  subscribe(connection: Connection, topic: string): boolean;
  unsubscribe(connection: Connection, topic: string): boolean;
  sendToAll(data: Uint8Array, isBinary: boolean): number;
  sendToUser(userId: string, data: Uint8Array, isBinary: boolean): number;
  disconnectUser(userId: string, code: number, reason: string): number;
  onState(state: BrokerState, reason: string): void;
  onJoin(topic: string, userId: string): void;
  onLeave(topic: string, userId: string): void;
  onLost(loss: TopicLoss): void;
}

export class Cluster implements TopicOutlet, BrokerHost {
  readonly node = randomBytes(9).toString('base64url');
  readonly histories: readonly HistoryBounds[];
  readonly broker: Broker;
  readonly #host: ClusterHost;
  readonly #rules: TopicRules;
  readonly #streams: Streams;
  readonly #plain: Interest<undefined>;
  readonly #nodes: Nodes;
  readonly #presence: Presence;
  readonly #resumptions: Resumptions;
  /** Signals that were none, or of another version. */
  #foreignSignals = 0;
  #failed = 0;
  #unsent = 0;
  #lost = 0;
  #state: BrokerState = 'down';
  #reason = 'it has not started';

  constructor(broker: Broker, host: ClusterHost) {
    this.broker = broker;
    this.#host = host;
    this.#rules = host.rules;
    this.histories = host.rules.values().flatMap(({ history }) => history ?? []);
    this.#streams = new Streams(host.rules, {
      broker,
      tails: new TailBudget(),
      deliver: (topic, frame, publication) => {
        host.deliver(topic, frame, this.#exceptOf(publication));
      },
      onLost: (topic, rule, position, since) => this.#onLost(rule, { topic, ...position, since }),
    });
    this.#resumptions = new Resumptions(this.#streams, host);
    this.#plain = new Interest(
      (topic) => {
        broker.follow(topic, undefined).catch(() => {});
        return undefined;
      },
      (topic) => broker.unfollow(topic, undefined),
    );
    this.#nodes = new Nodes({
      self: { id: this.node, name: host.nodeName, version: VERSION, startedAt: Date.now() },
      connections: () => host.connections(),
      say: (signal) => this.#send(ALL, signal),
      onSeen: (node) => this.#presence.onSeen(node),
      onGone: (node) => this.#presence.onGone(node),
    });
    this.#presence = new Presence({
      broker,
      node: this.node,
      others: () => this.#nodes.others(),
      send: (channel, signal) => this.#send(channel, signal),
      onJoin: (topic, userId) => this.#onMember('join', topic, userId),
      onLeave: (topic, userId) => this.#onMember('leave', topic, userId),
    });
  }

  /** False when topics are nobody's business but the registry's. */
  get isNeeded(): boolean {
    return this.broker.hasOthers || !this.#rules.isEmpty;
  }

  /** @throws HubError `ERR_BROKER` */
  async start(): Promise<void> {
    await this.broker.start(this);
    if (!this.broker.hasOthers) return;
    await Promise.all([this.broker.listen(ALL), this.broker.listen(channelOf(this.node))]);
    this.#nodes.start();
    this.#presence.start();
    this.#streams.start();
  }

  /** The hub drains: its members are no business of others any more. */
  leave(): void {
    this.#presence.leave();
    if (this.broker.hasOthers) this.#nodes.stop();
  }

  async close(): Promise<void> {
    this.leave();
    this.#presence.close();
    this.#streams.close();
    this.#plain.close();
    await this.broker.close();
  }

  nodes(): ClusterNode[] {
    return this.#nodes.list();
  }

  stats(): ClusterStats {
    const { waitingBytes, foreign } = this.broker.stats();
    return {
      broker: this.broker.name,
      state: this.#state,
      reason: this.#reason,
      nodes: this.#nodes.others().length + 1,
      waitingBytes,
      foreign: foreign + this.#foreignSignals,
      failed: this.#failed,
      unsent: this.#unsent,
      lost: this.#lost,
    };
  }

  /** What is wrong with the broker, in words; empty when nothing is. */
  get trouble(): string {
    return this.#state === 'up' ? '' : `the broker ${this.broker.name} is ${this.#state}: ${this.#reason}`;
  }

  // Topics

  /** Other rules, for topics that are open too. Which of them have a history has not changed. */
  renewRules(rules: Readonly<Record<string, TopicRule>>): void {
    changeRules(this.#rules, rules, this.#host, this.#presence);
    this.#streams.renewRules();
  }

  onSubscribed(connection: Connection, topic: string): void {
    const rule = this.#rules.of(topic);
    if (rule?.history !== undefined) this.#streams.retain(topic);
    else if (this.broker.hasOthers) this.#plain.retain(topic);
    if (rule?.presence) this.#presence.join(topic, connection.id, connection.member?.userId ?? null);
  }

  onUnsubscribed(connection: Connection, topic: string): void {
    const rule = this.#rules.of(topic);
    if (rule?.presence) this.#presence.leaveTopic(topic, connection.id);
    if (rule?.history !== undefined) this.#streams.release(topic);
    else if (this.broker.hasOthers) this.#plain.release(topic);
  }

  onUnsubscribing(connection: Connection, topic: string): void {
    this.#resumptions.cancel(connection, topic);
  }

  publish(topic: string, { data, isBinary, key, except, id }: Outgoing): number | Promise<Position> {
    const rule = this.#rules.of(topic);
    const { broker } = this;
    const message = { data, isBinary, key };
    if (rule?.history === undefined) {
      const count = this.#host.deliver(topic, toFrame(topic, message, rule), except);
      if (broker.hasOthers && broker.publish(topic, message) !== 'sent') this.#unsent++;
      return count;
    }
    const ids = except === undefined ? undefined : [...except].map((connection) => connection.id);
    const position = this.#append(topic, { ...message, except: ids }, rule.history, id);
    // Who does not wait for it is told by the statistics.
    position.catch(() => {
      this.#failed++;
    });
    return position;
  }

  /** @throws HubError `ERR_ARGUMENT`, `ERR_TOPIC`, `ERR_BROKER_UNAVAILABLE` (rejections) */
  async history(topic: string, options: HistoryOptions = {}): Promise<HistoryResult> {
    const name = topicName(topic, true);
    const { history } = historyRule(this.#rules, name);
    const since = checkPosition(options.since);
    const read = await this.broker.read(name, history, since, checkLimit(options.limit));
    const publications = read.publications.map((one) => toPublication(one.offset, one.message));
    return { ...read.position, publications, recovered: read.reachesBack, hasMore: read.hasMore };
  }

  /** @see Resumptions.subscribe */
  async subscribe(
    connection: Connection,
    topic: string,
    options: SubscribeOptions,
  ): Promise<SubscribeResult> {
    const name = topicName(topic, true);
    historyRule(this.#rules, name);
    return this.#resumptions.subscribe(connection, name, { ...options, since: checkPosition(options.since) });
  }

  /** @throws HubError `ERR_ARGUMENT`, `ERR_TOPIC` (rejections) */
  async presence(topic: string): Promise<PresenceResult> {
    return this.#presence.members(this.#presenceTopic(topic));
  }

  /** As {@link presence}. */
  async presenceStats(topic: string): Promise<PresenceStats> {
    return this.#presence.stats(this.#presenceTopic(topic));
  }

  // Users

  sendToAll(data: Uint8Array, isBinary: boolean): void {
    if (this.broker.hasOthers) this.#send(ALL, { type: 'all', ...textOf(data, isBinary) });
  }

  sendToUser(userId: string, data: Uint8Array, isBinary: boolean): void {
    if (this.broker.hasOthers) this.#send(ALL, { type: 'user', userId, ...textOf(data, isBinary) });
  }

  disconnectUser(userId: string, code: number, reason: string): void {
    if (this.broker.hasOthers) this.#send(ALL, { type: 'disconnect', userId, code, reason });
  }

  // From the broker

  boundsOf(topic: string): HistoryBounds | undefined {
    try {
      return this.#rules.of(topicName(topic, true))?.history;
    } catch {
      return undefined;
    }
  }

  onMessage(topic: string, message: BrokerMessage): void {
    this.#host.deliver(topic, toFrame(topic, message, this.#rules.of(topic)), undefined);
  }

  onPublication(topic: string, publication: BrokerPublication, previous: number, epoch: string): void {
    this.#streams.onPublication(topic, publication, previous, epoch);
  }

  onSignal(_channel: string, bytes: Uint8Array): void {
    const received = decodeSignal(bytes);
    if (received === undefined || received.from === this.node) {
      if (received === undefined) this.#foreignSignals++;
      return;
    }
    const { from, protocol, signal } = received;
    // A node of another version is seen and named, but what it says beside that may mean something else.
    if (protocol !== PROTOCOL && signal.type !== 'here' && signal.type !== 'bye') {
      this.#foreignSignals++;
      return;
    }
    try {
      this.#onSignal(from, signal);
    } catch {
      this.#foreignSignals++;
    }
  }

  onState(state: BrokerState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
    this.#host.onState(state, reason);
  }

  onResumed(): void {
    void this.#streams.check();
    this.#presence.onResumed();
  }

  #onSignal(from: string, signal: Signal): void {
    switch (signal.type) {
      case 'here':
        this.#nodes.onHere(from, signal);
        break;
      case 'bye':
        this.#nodes.onBye(from);
        break;
      case 'ask':
        this.#presence.onAsked(from, signal.topics);
        break;
      case 'members':
        this.#presence.onMembers(from, signal);
        break;
      case 'delta':
        this.#presence.onDelta(from, signal);
        break;
      case 'digest':
        this.#presence.onDigest(from, signal.topic, signal.seq);
        break;
      case 'user':
        this.#host.sendToUser(signal.userId, bytesOf(signal), signal.isBinary);
        break;
      case 'all':
        this.#host.sendToAll(bytesOf(signal), signal.isBinary);
        break;
      case 'disconnect':
        this.#host.disconnectUser(signal.userId, signal.code, signal.reason);
        break;
      default:
        this.#foreignSignals++;
    }
  }

  async #append(
    topic: string,
    message: BrokerMessage,
    bounds: NonNullable<TopicRule['history']>,
    id: string | undefined,
  ): Promise<Position> {
    const { name, maxMessageBytes } = this.broker;
    if (message.data.length > maxMessageBytes) throw tooLarge(name, message.data.length, maxMessageBytes);
    return this.broker.append(topic, message, bounds, id);
  }

  #send(channel: string, signal: Signal): void {
    this.broker.signal(channel, encodeSignal(this.node, signal));
  }

  #exceptOf({ node, message }: BrokerPublication): ReadonlySet<Connection> | undefined {
    if (message.except === undefined || node !== this.node) return undefined;
    return new Set(message.except.map((id) => this.#host.find(id)).filter((one) => one !== undefined));
  }

  #onLost(rule: TopicRule, loss: TopicLoss): void {
    const { topic, since: _, ...position } = loss;
    this.#lost++;
    if (rule.envelope === 'json')
      this.#host.deliver(topic, noteFrame({ topic, ...position, recovered: false }), undefined);
    this.#host.onLost(loss);
  }

  #onMember(what: 'join' | 'leave', topic: string, userId: string): void {
    const rule = this.#rules.of(topic);
    if (rule?.joinLeave && rule.envelope === 'json')
      this.#host.deliver(topic, noteFrame({ topic, [what]: { userId } }), undefined);
    if (what === 'join') this.#host.onJoin(topic, userId);
    else this.#host.onLeave(topic, userId);
  }

  #presenceTopic(topic: string): string {
    const name = topicName(topic, true);
    if (this.#rules.of(name)?.presence) return name;
    const text = `the topic ${describe(name)} has no presence: the option topics gives it one (presence: true)`;
    throw new HubError('ERR_ARGUMENT', text);
  }
}
