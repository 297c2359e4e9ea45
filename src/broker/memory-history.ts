/**
 * The history of topics in memory: bounded by size and time for each topic, and in bytes for all. I/O thread.
 *
 * Offsets come from one counter for all topics. So a topic of which nothing is left needs not be remembered for positions
 * to stay right: its next publication is behind every position that was ever told.
 */
import { randomBytes } from 'node:crypto';
import type { Position } from '../api/broker.js';
import { type BrokerMessage, type HistoryBounds, type HistoryRead, ID_MEMORY_MS } from './broker.js';

/** Bytes of all histories together, with what each publication costs beside its own; beyond, the oldest go. */
const MAX_BYTES = 256 * 1024 * 1024;
const PUBLICATION_OVERHEAD = 256;
/** Topics without a publication whose last offset is remembered, so that who has seen that one has missed nothing. */
const MAX_IDLE = 100_000;
/** Ids of publications that are remembered. */
const MAX_IDS = 1_000_000;

/** A publication, in the list of its topic and in that of all that are kept for as long. */
interface Stored {
  readonly offset: number;
  readonly node: string;
  readonly message: BrokerMessage;
  readonly topic: Kept;
  readonly lane: Lane;
  readonly expiresAt: number;
  newer: Stored | undefined;
  newerOfAll: Stored | undefined;
  olderOfAll: Stored | undefined;
}

/** What is kept of a topic. */
interface Kept {
  readonly name: string;
  oldest: Stored | undefined;
  newest: Stored | undefined;
  length: number;
  /** Offset of its last publication. */
  last: number;
  /** Offset of the last one that was dropped: what is behind it is all there. */
  floor: number;
}

/** All that are kept for as long, oldest first. */
interface Lane {
  oldest: Stored | undefined;
  newest: Stored | undefined;
}

export interface Appended {
  readonly position: Position;
  readonly previous: number;
  /** True when the same id was published before: then nothing is published now. */
  readonly isRepeat: boolean;
}

export class MemoryHistory {
  readonly epoch = randomBytes(6).toString('base64url');
  readonly #now: () => number;
  readonly #maxBytes: number;
  readonly #topics = new Map<string, Kept>();
  /** Topics without a publication, the one that has been so for longest first. */
  readonly #idle = new Set<Kept>();
  /** By how long they are kept. */
  readonly #lanes = new Map<number, Lane>();
  readonly #ids = new Map<string, { readonly appended: Appended; readonly expiresAt: number }>();
  #offset = 0;
  #bytes = 0;
  /** No topic that is not known has a publication behind this one. */
  #forgotten = 0;

  constructor(now: () => number = () => performance.now(), maxBytes = MAX_BYTES) {
    this.#now = now;
    this.#maxBytes = maxBytes;
  }

  /** Gauge: bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  append(
    name: string,
    message: BrokerMessage,
    node: string,
    { size, ttlMs }: HistoryBounds,
    id: string | undefined,
  ): Appended {
    this.expire();
    const key = id === undefined ? undefined : `${name.length}:${name}${id}`;
    const before = key === undefined ? undefined : this.#ids.get(key);
    if (before !== undefined) return { ...before.appended, isRepeat: true };
    const topic = this.#topicOf(name);
    const previous = topic.last;
    topic.last = ++this.#offset;
    this.#keep(topic, message, node, ttlMs);
    while (topic.length > size) this.#drop(topic.oldest!);
    while (this.#bytes > this.#maxBytes) this.#drop(this.#oldestOfAll()!);
    const position = { offset: topic.last, epoch: this.epoch };
    const appended = { position, previous, isRepeat: false };
    if (key !== undefined) this.#remember(key, appended);
    return appended;
  }

  read(name: string, since: Position | undefined, limit: number): HistoryRead {
    this.expire();
    const topic = this.#topics.get(name);
    const position = { offset: topic?.last ?? 0, epoch: this.epoch };
    const isKnown = since?.epoch === this.epoch;
    const after = isKnown ? since.offset : 0;
    let from = topic?.oldest;
    while (from !== undefined && from.offset <= after) from = from.newer;
    const all: Stored[] = [];
    for (let at = from; at !== undefined; at = at.newer) all.push(at);
    const publications = isKnown ? all.slice(0, limit) : all.slice(Math.max(0, all.length - limit));
    return {
      publications,
      position,
      reachesBack: since === undefined || (isKnown && after >= (topic?.floor ?? this.#forgotten)),
      hasMore: isKnown && all.length > limit,
    };
  }

  /** Drops what has been kept for long enough. */
  expire(): void {
    const now = this.#now();
    for (const [ttlMs, lane] of this.#lanes) {
      while (lane.oldest !== undefined && lane.oldest.expiresAt <= now) this.#dropUpTo(lane.oldest);
      if (lane.oldest === undefined) this.#lanes.delete(ttlMs);
    }
    for (const [key, { expiresAt }] of this.#ids) {
      if (expiresAt > now) break;
      this.#ids.delete(key);
    }
  }

  #topicOf(name: string): Kept {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      const none = { oldest: undefined, newest: undefined, length: 0, last: 0 };
      topic = { name, ...none, floor: this.#forgotten };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  /** As the newest of its topic, and of all that are kept for as long. */
  #keep(topic: Kept, message: BrokerMessage, node: string, ttlMs: number): void {
    const lane = this.#lanes.get(ttlMs) ?? { oldest: undefined, newest: undefined };
    this.#lanes.set(ttlMs, lane);
    const stored: Stored = {
      offset: topic.last,
      node,
      message,
      topic,
      lane,
      expiresAt: this.#now() + ttlMs,
      newer: undefined,
      newerOfAll: undefined,
      olderOfAll: lane.newest,
    };
    if (topic.newest === undefined) topic.oldest = stored;
    else topic.newest.newer = stored;
    topic.newest = stored;
    topic.length++;
    this.#idle.delete(topic);
    if (lane.newest === undefined) lane.oldest = stored;
    else lane.newest.newerOfAll = stored;
    lane.newest = stored;
    this.#bytes += weightOf(stored);
  }

  /** With what is older in its topic, also where that was to be kept for longer: a history has no gaps. */
  #dropUpTo(stored: Stored): void {
    while (stored.topic.oldest !== stored) this.#drop(stored.topic.oldest!);
    this.#drop(stored);
  }

  /** @param stored the oldest of its topic */
  #drop(stored: Stored): void {
    const { topic } = stored;
    topic.oldest = stored.newer;
    topic.floor = stored.offset;
    topic.length--;
    this.#bytes -= weightOf(stored);
    this.#unlink(stored);
    if (topic.oldest !== undefined) return;
    topic.newest = undefined;
    this.#idle.add(topic);
    if (this.#idle.size <= MAX_IDLE) return;
    const [longest] = this.#idle;
    this.#idle.delete(longest!);
    this.#topics.delete(longest!.name);
    this.#forgotten = Math.max(this.#forgotten, longest!.last);
  }

  #unlink({ lane, olderOfAll, newerOfAll }: Stored): void {
    if (olderOfAll === undefined) lane.oldest = newerOfAll;
    else olderOfAll.newerOfAll = newerOfAll;
    if (newerOfAll === undefined) lane.newest = olderOfAll;
    else newerOfAll.olderOfAll = olderOfAll;
  }

  #oldestOfAll(): Stored | undefined {
    let first: Stored | undefined;
    for (const { oldest } of this.#lanes.values())
      if (oldest !== undefined && (first === undefined || oldest.offset < first.offset)) first = oldest;
    return first;
  }

  #remember(key: string, appended: Appended): void {
    this.#ids.set(key, { appended, expiresAt: this.#now() + ID_MEMORY_MS });
    if (this.#ids.size <= MAX_IDS) return;
    const [oldest] = this.#ids.keys();
    this.#ids.delete(oldest!);
  }
}

function weightOf({ message }: Stored): number {
  return message.data.length + PUBLICATION_OVERHEAD;
}
