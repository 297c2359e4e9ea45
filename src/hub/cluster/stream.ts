/**
 * One topic with history on this node: what its subscribers have been given, in the order of the history; where something
 * was missed, it is filled in before anything later. I/O thread.
 *
 * All that is given to subscribers is in the tail too. So who resumes is spliced in between two publications, with one look
 * at the tail, and there is neither a gap nor a repeat between what was missed and what follows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Position } from '../../api/broker.js';
import type { Broker, BrokerPublication, HistoryRead } from '../../broker/broker.js';
import type { QueuedMessage } from '../connection/outbound.js';
import { toFrame } from './frame.js';
import { type Sent, Tail, type TailBudget } from './tail.js';
import type { HistoryRule, TopicRule } from './topic-rules.js';

export interface StreamHost {
  readonly broker: Broker;
  readonly tails: TailBudget;
  /** Sends a publication to whoever is subscribed. */
  deliver(topic: string, frame: QueuedMessage, publication: BrokerPublication): void;
  /** The subscribers have missed something that is not kept any more; it goes on behind a position. */
  onLost(topic: string, rule: TopicRule, position: Position, since: Position): void;
}

/** What was missed, at the point where what follows is live; undefined when it is not known. */
export type Splice = (missed: readonly Sent[] | undefined, position: Position) => void;

interface Arrived {
  readonly publication: BrokerPublication;
  readonly previous: number;
  readonly epoch: string;
}

/** Publications that are read at once. */
const PAGE = 500;
/** Publications that wait for a gap to be filled: more are read from the history afterwards. */
const MAX_WAITING = 5000;
/** An engine with replicas may answer with what is not the newest: it is asked so often, after so long. */
const STALE_READS = 8;
const STALE_MS = 25;

export class Stream {
  readonly topic: string;
  #rule: HistoryRule;
  readonly #host: StreamHost;
  readonly #tail: Tail;
  #position: Position = { offset: 0, epoch: '' };
  /** What came while it is not known what comes before it; undefined while that is known. */
  #waiting: Arrived[] | undefined = [];
  #opening: Promise<void> | undefined;
  #catching: Promise<void> | undefined;
  #loading: Promise<void> | undefined;
  /** What came after this offset is not all kept any more. */
  #unreachable = -1;
  #isClosed = false;

  constructor(topic: string, rule: HistoryRule, host: StreamHost) {
    this.topic = topic;
    this.#rule = rule;
    this.#host = host;
    this.#tail = new Tail(0, host.tails);
  }

  /** From here on it is kept and sent in another way; what was sent is read again for who resumes. */
  renewRule(rule: HistoryRule): void {
    if (isDeepStrictEqual(rule, this.#rule)) return;
    this.#rule = rule;
    this.#tail.clear(this.#position.offset);
  }

  /** Resolves once it is followed, and where it is is known. @throws HubError `ERR_BROKER_UNAVAILABLE` */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  close(): void {
    this.#isClosed = true;
    this.#tail.clear(0);
    this.#host.broker.unfollow(this.topic, this.#rule.history);
  }

  /** Something may have been missed. @throws HubError `ERR_BROKER_UNAVAILABLE` */
  async check(): Promise<void> {
    if (this.#opening === undefined) await this.open();
    else {
      await this.#opening;
      await this.#catchUp();
    }
  }

  /** From the broker, in whatever order. */
  onPublication(publication: BrokerPublication, previous: number, epoch: string): void {
    const arrived = { publication, previous, epoch };
    if (this.#waiting !== undefined) {
      // What is dropped here is missed by the next one.
      if (this.#waiting.length >= MAX_WAITING) this.#waiting.length = 0;
      this.#waiting.push(arrived);
    } else if (!this.#take(arrived)) {
      this.#waiting = [arrived];
      this.#catchUp().catch(() => {});
    }
  }

  /**
   * Calls back, synchronously, at a point where everything up to it has been given to the subscribers and what follows has not.
   *
   * @throws HubError `ERR_BROKER_UNAVAILABLE` (rejection)
   */
  async resume(since: Position | undefined, splice: Splice): Promise<void> {
    await this.open();
    if (since === undefined) return splice([], this.#position);
    if (this.#waiting !== undefined || this.#isBehind(since)) await this.#catchUp();
    for (;;) {
      const { epoch } = this.#position;
      const isKnown = since.epoch === epoch && !this.#isBehind(since) && since.offset > this.#unreachable;
      const missed = isKnown ? this.#tail.after(since.offset) : undefined;
      if (!isKnown || missed !== undefined) return splice(missed, this.#position);
      await this.#load(since);
    }
  }

  #isBehind({ offset, epoch }: Position): boolean {
    return epoch === this.#position.epoch && offset > this.#position.offset;
  }

  async #open(): Promise<void> {
    const { broker } = this.#host;
    await broker.follow(this.topic, this.#rule.history);
    const { position } = await broker.read(this.topic, this.#rule.history, undefined, 1);
    // What came since it is followed is given to whoever subscribed before it was published.
    const first = this.#waiting?.[0];
    const offset = Math.min(position.offset, first?.previous ?? position.offset);
    this.#position = { offset, epoch: position.epoch };
    this.#tail.clear(offset);
    if (this.#drain()) return;
    this.#catchUp().catch(() => {});
  }

  /** Takes what came, in order. False when something before it is missing. */
  #take({ publication, previous, epoch }: Arrived): boolean {
    const { offset } = this.#position;
    if (epoch !== this.#position.epoch) return false;
    if (publication.offset <= offset) return true;
    if (previous > offset) return false;
    this.#deliver(publication);
    return true;
  }

  /** False when something is missing: what is behind it goes on waiting. */
  #drain(): boolean {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    const at = waiting.findIndex((arrived) => !this.#take(arrived));
    if (at >= 0) this.#waiting = waiting.slice(at);
    return at < 0;
  }

  #deliver(publication: BrokerPublication): void {
    this.#position = { offset: publication.offset, epoch: this.#position.epoch };
    const frame = toFrame(this.topic, publication.message, this.#rule, this.#position);
    this.#tail.push(publication, frame, this.#rule.history);
    this.#host.deliver(this.topic, frame, publication);
  }

  #catchUp(): Promise<void> {
    this.#catching ??= this.#fill().finally(() => {
      this.#catching = undefined;
    });
    return this.#catching;
  }

  /** Reads what is missing, until what came follows on it. What fails is tried again with the next check. */
  async #fill(): Promise<void> {
    this.#waiting ??= [];
    for (let stale = 0; ; ) {
      const read = await this.#read(this.#position);
      if (this.#isClosed) return;
      if (read.reachesBack) this.#advance(read);
      else this.#lose(read.position);
      if (read.reachesBack && read.hasMore) continue;
      if (this.#drain()) return;
      const [next] = this.#waiting!;
      if (++stale < STALE_READS) await delay(STALE_MS);
      else this.#lose({ offset: next!.previous, epoch: next!.epoch });
    }
  }

  #read(since: Position): Promise<HistoryRead> {
    return this.#host.broker.read(this.topic, this.#rule.history, since, PAGE);
  }

  /** What was read behind what the subscribers have is given to them. */
  #advance({ publications }: HistoryRead): void {
    for (const publication of publications)
      if (publication.offset > this.#position.offset) this.#deliver(publication);
  }

  #lose(position: Position): void {
    const since = this.#position;
    if (position.epoch !== since.epoch) this.#unreachable = -1;
    this.#position = position;
    this.#tail.clear(position.offset);
    this.#host.onLost(this.topic, this.#rule, position, since);
  }

  /** Reads what came after an offset into the tail. One at a time: most often it serves the others too. */
  #load(since: Position): Promise<void> {
    this.#loading ??= this.#loadAfter(since).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadAfter(since: Position): Promise<void> {
    const publications: BrokerPublication[] = [];
    for (let at = since; ; ) {
      const read = await this.#read(at);
      if (!read.reachesBack || read.position.epoch !== this.#position.epoch) {
        this.#unreachable = Math.max(this.#unreachable, since.offset);
        return;
      }
      publications.push(...read.publications);
      if (!read.hasMore) break;
      at = { offset: publications.at(-1)!.offset, epoch: at.epoch };
    }
    const { offset, epoch } = this.#position;
    const expiresAt = performance.now() + this.#rule.history.ttlMs;
    const older = publications
      .filter((one) => one.offset <= offset)
      .map((publication) => ({
        publication,
        frame: toFrame(this.topic, publication.message, this.#rule, { offset: publication.offset, epoch }),
        expiresAt,
      }));
    this.#tail.extend(since.offset, older, this.#rule.history);
    for (const publication of publications)
      if (publication.offset > this.#position.offset) this.#deliver(publication);
    // What all tails may take is too little for it, or there is more of it now than is kept.
    if (this.#tail.start > since.offset) this.#unreachable = Math.max(this.#unreachable, since.offset);
  }
}
