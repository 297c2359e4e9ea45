/**
 * Who is subscribed to topics with presence, in the whole cluster. Each node owns its members: it tells the nodes that are
 * interested what changed, with a number for each change; now and then how far it is; and, asked, all of them. I/O thread.
 */
import type { PresenceResult, PresenceStats } from '../../api/broker.js';
import type { Broker } from '../../broker/broker.js';
import { Interest } from './interest.js';
import { PresenceView, type PresenceViewHost } from './presence-view.js';
import {
  channelOf,
  type DeltaSignal,
  type MemberEntry,
  type MembersSignal,
  presenceChannel,
  type Signal,
} from './signals.js';

/** Changes of a topic are told together, so often. */
const FLUSH_MS = 50;
/** How far a node is, is told so often. */
const DIGEST_MS = 10_000;
/** The members of a node that is gone are there for so long: those who come back elsewhere have never left. */
const HOLD_MS = 3000;
/** Members in one signal. */
const PART = 5000;
/** A question is answered after so long with what has come. */
const ANSWER_MS = 1000;
/** A topic that somebody has asked for, and nobody here is subscribed to, is kept up to date for so long. */
const LINGER_MS = 30_000;

export interface PresenceHost extends PresenceViewHost {
  readonly broker: Broker;
  /** Id of this node. */
  readonly node: string;
  /** Ids of the others that are there. */
  others(): string[];
  send(channel: string, signal: Signal): void;
}

interface Topic {
  readonly view: PresenceView;
  /** Of this node's members; of the last change that was told. */
  seq: number;
  joined: Map<string, string | null>;
  left: Set<string>;
}

export class Presence {
  readonly #host: PresenceHost;
  readonly #topics: Interest<Topic>;
  /** Topics with changes that are to be told. */
  readonly #changed = new Set<Topic>();
  readonly #waiting = new Set<() => void>();
  readonly #holds = new Map<string, NodeJS.Timeout>();
  #flushTimer: NodeJS.Timeout | undefined;
  #digestTimer: NodeJS.Timeout | undefined;
  /** No change of any topic has a higher number: one that is opened again goes on from here. */
  #lastSeq = 0;
  #hasLeft = false;

  constructor(host: PresenceHost) {
    this.#host = host;
    this.#topics = new Interest(
      (name) => this.#open(name),
      (name, topic) => this.#close(name, topic),
      LINGER_MS,
    );
  }

  start(): void {
    if (this.#host.broker.hasOthers)
      this.#digestTimer = setInterval(() => this.#tellDigests(), DIGEST_MS).unref();
  }

  /** This node leaves: that it does is told by another part, and what its connections do from here on by none. */
  leave(): void {
    this.#hasLeft = true;
  }

  close(): void {
    this.leave();
    clearTimeout(this.#flushTimer);
    clearInterval(this.#digestTimer);
    for (const timer of this.#holds.values()) clearTimeout(timer);
    for (const wake of this.#waiting) wake();
    this.#topics.close();
  }

  // This node's members

  /** Nothing changes for who has joined. */
  join(name: string, connection: string, userId: string | null): void {
    if (this.#topics.get(name)?.view.has(this.#host.node, connection)) return;
    const topic = this.#topics.retain(name);
    topic.view.add(this.#host.node, connection, userId);
    if (!topic.left.delete(connection)) topic.joined.set(connection, userId);
    this.#schedule(topic);
  }

  /** Nothing changes for who has not joined. */
  leaveTopic(name: string, connection: string): void {
    const topic = this.#topics.get(name);
    if (!topic?.view.has(this.#host.node, connection)) return;
    topic.view.remove(this.#host.node, connection);
    if (!topic.joined.delete(connection)) topic.left.add(connection);
    this.#schedule(topic);
    this.#topics.release(name);
  }

  // Who asks

  async members(name: string): Promise<PresenceResult> {
    const { view, missingNodes } = await this.#look(name);
    return { members: view.members(), missingNodes };
  }

  async stats(name: string): Promise<PresenceStats> {
    const { view, missingNodes } = await this.#look(name);
    return { ...view.stats(), missingNodes };
  }

  // What others say

  onDelta(from: string, { topic: name, seq, joined, left }: DeltaSignal): void {
    const topic = this.#topics.get(name);
    if (topic !== undefined && !topic.view.apply(from, seq, joined, left)) this.#ask(from, [name]);
  }

  onDigest(from: string, name: string, seq: number): void {
    const known = this.#topics.get(name)?.view.seqOf(from);
    if (this.#topics.get(name) !== undefined && known !== seq) this.#ask(from, [name]);
  }

  onMembers(from: string, { topic: name, seq, members, isLast }: MembersSignal): void {
    this.#topics.get(name)?.view.replace(from, seq, members, isLast);
    for (const wake of this.#waiting) wake();
  }

  onAsked(from: string, names: readonly string[]): void {
    if (this.#hasLeft) return;
    for (const name of names) {
      const topic = this.#topics.get(name);
      // Before it is told how far this is: what is told then has all of it.
      if (topic !== undefined) this.#tell(topic);
      const members = topic?.view.membersOf(this.#host.node) ?? [];
      this.#tellMembers(from, name, topic?.seq ?? this.#lastSeq, members);
    }
  }

  // Nodes

  /** A node is there, for the first time or again. */
  onSeen(node: string): void {
    clearTimeout(this.#holds.get(node));
    this.#holds.delete(node);
    const names = [...this.#topics.values()].map(({ view }) => view.topic);
    if (names.length > 0) this.#ask(node, names);
  }

  /** Its members go, unless it comes back. */
  onGone(node: string): void {
    const timer = setTimeout(() => {
      this.#holds.delete(node);
      for (const { view } of this.#topics.values()) view.forget(node);
      for (const wake of this.#waiting) wake();
    }, HOLD_MS);
    this.#holds.set(node, timer.unref());
  }

  /** Signals may have been missed. */
  onResumed(): void {
    for (const node of this.#host.others()) this.onSeen(node);
    for (const { view, seq } of this.#topics.values()) this.#tellDigest(view.topic, seq);
  }

  async #look(name: string): Promise<{ view: PresenceView; missingNodes: string[] }> {
    const { view } = this.#topics.retain(name);
    const missing = () => this.#host.others().filter((node) => !view.knows(node));
    const end = performance.now() + ANSWER_MS;
    try {
      while (missing().length > 0 && performance.now() < end) await this.#wait(end - performance.now());
      return { view, missingNodes: missing() };
    } finally {
      this.#topics.release(name);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  #open(name: string): Topic {
    const { broker } = this.#host;
    if (broker.hasOthers) {
      // Asked once it is listened to: what changes from then on is heard.
      broker.listen(presenceChannel(name)).then(
        () => {
          for (const node of this.#host.others()) this.#ask(node, [name]);
        },
        () => {},
      );
    }
    const view = new PresenceView(name, this.#host.others(), this.#host);
    return { view, seq: this.#lastSeq, joined: new Map(), left: new Set() };
  }

  #close(name: string, topic: Topic): void {
    this.#changed.delete(topic);
    if (this.#host.broker.hasOthers) this.#host.broker.unlisten(presenceChannel(name));
  }

  #schedule(topic: Topic): void {
    if (this.#hasLeft || !this.#host.broker.hasOthers) return;
    this.#changed.add(topic);
    this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  #flush(): void {
    this.#flushTimer = undefined;
    for (const topic of this.#changed) this.#tell(topic);
    this.#changed.clear();
  }

  /** Tells what changed. */
  #tell(topic: Topic): void {
    const { view, joined, left } = topic;
    if (this.#hasLeft || joined.size + left.size === 0) return;
    const channel = presenceChannel(view.topic);
    const entries = [...joined];
    for (let at = 0; at === 0 || at < Math.max(entries.length, left.size); at += PART)
      this.#host.send(channel, {
        type: 'delta',
        topic: view.topic,
        seq: this.#nextSeq(topic),
        joined: entries.slice(at, at + PART),
        left: [...left].slice(at, at + PART),
      });
    topic.joined = new Map();
    topic.left = new Set();
  }

  #nextSeq(topic: Topic): number {
    this.#lastSeq = Math.max(this.#lastSeq, ++topic.seq);
    return topic.seq;
  }

  #tellMembers(to: string, topic: string, seq: number, members: readonly MemberEntry[]): void {
    for (let at = 0; at === 0 || at < members.length; at += PART) {
      const part = members.slice(at, at + PART);
      const isLast = at + PART >= members.length;
      this.#host.send(channelOf(to), { type: 'members', topic, seq, members: part, isLast });
    }
  }

  #tellDigests(): void {
    for (const { view, seq } of this.#topics.values()) if (seq > 0) this.#tellDigest(view.topic, seq);
  }

  #tellDigest(topic: string, seq: number): void {
    this.#host.send(presenceChannel(topic), { type: 'digest', topic, seq });
  }

  #ask(node: string, topics: readonly string[]): void {
    this.#host.send(channelOf(node), { type: 'ask', topics });
  }
}
