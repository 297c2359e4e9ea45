/**
 * Topics with history on JetStream: one stream for all topics with the same bounds, and no consumer at all. What is stored is
 * published again by the server, with its place and the place of what came before it on its subject. Offsets are sequences
 * of the stream, so they leave numbers out; the epoch is when the stream was made.
 */
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Position } from '../../api/broker.js';
import { type BrokerPublication, type HistoryBounds, type HistoryRead, ID_MEMORY_MS } from '../broker.js';
import { decodeMessage } from '../codec.js';
import type { NatsBrokerOptions } from './nats-options.js';
import { classOf, type Subjects } from './subjects.js';

/** Everything that waits for an answer of the server waits so long. */
const ANSWER_MS = 5000;
const NANOSECONDS = 1_000_000;

/** The stream is not there (any more): what nobody listens to, the client takes for a server without JetStream. */
const NOT_FOUND = /stream not found|no responders|not enabled/i;

interface Known {
  epoch: string;
  /** The highest offset that was told. */
  offset: number;
  /** True when it has to be looked at again. */
  isStale: boolean;
}

export class NatsHistory {
  readonly #subjects: Subjects;
  readonly #replicas: number;
  readonly #takesRaw: boolean;
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  #manager: JetStreamManager | undefined;
  /** By stream. */
  readonly #streams = new Map<string, Known>();
  readonly #opening = new Map<string, Promise<Known>>();

  constructor(
    connection: NatsConnection,
    subjects: Subjects,
    { replicas = 1, raw = false }: Pick<NatsBrokerOptions, 'replicas' | 'raw'>,
  ) {
    this.#connection = connection;
    this.#subjects = subjects;
    this.#replicas = replicas;
    this.#takesRaw = raw;
    this.#client = jetstream(connection, { timeout: ANSWER_MS });
  }

  /** Nothing that is known of the streams is certain any more. */
  forget(): void {
    for (const known of this.#streams.values()) known.isStale = true;
  }

  epochOf(bounds: HistoryBounds): string {
    return this.#streams.get(this.#subjects.stream(bounds))?.epoch ?? '';
  }

  /** Makes sure that the stream is there. One question at a time. */
  open(bounds: HistoryBounds): Promise<Known> {
    const name = this.#subjects.stream(bounds);
    const known = this.#streams.get(name);
    if (known !== undefined && !known.isStale) return Promise.resolve(known);
    const opening =
      this.#opening.get(name) ?? this.#open(name, bounds).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
  }

  async append(
    topic: string,
    payload: Uint8Array,
    bounds: HistoryBounds,
    id: string | undefined,
  ): Promise<Position> {
    const options = {
      timeout: ANSWER_MS,
      ...(id === undefined ? {} : { msgID: this.#subjects.id(topic, id) }),
    };
    await this.open(bounds);
    const publish = () => this.#client.publish(this.#subjects.stored(topic, bounds), payload, options);
    const { seq } = await publish().catch(async (error) => {
      if (!NOT_FOUND.test(String(error))) throw error;
      // Nobody listened, so it has not happened: the stream was lost with the server's memory, or deleted.
      this.forget();
      await this.open(bounds);
      return publish();
    });
    let known = await this.open(bounds);
    if (seq < known.offset && id === undefined) {
      // A sequence that was there before: it is another stream of the same name.
      this.forget();
      known = await this.open(bounds);
    }
    known.offset = Math.max(known.offset, seq);
    return { offset: seq, epoch: known.epoch };
  }

  async read(
    topic: string,
    bounds: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead> {
    const subject = this.#subjects.stored(topic, bounds);
    const name = this.#subjects.stream(bounds);
    await this.open(bounds);
    const manager = await this.#manage();
    const { state, ...info } = await this.#info(name, bounds);
    const epoch = this.#learn(name, info.created);
    const last = await manager.direct.getMessage(name, { last_by_subj: subject });
    const position = { offset: last?.seq ?? 0, epoch };
    const isKnown = since?.epoch === epoch;
    if (!isKnown) {
      const all =
        last === null
          ? []
          : limit === 1
            ? [last]
            : await this.#messages(name, subject, 0, last.seq, bounds.size + 1);
      // One more is kept than is asked for.
      const kept = all.slice(-Math.min(limit, bounds.size));
      return {
        publications: this.#toPublications(kept),
        position,
        reachesBack: since === undefined,
        hasMore: false,
      };
    }
    const { offset } = since;
    const found =
      offset < position.offset ? await this.#messages(name, subject, offset, position.offset, limit + 1) : [];
    return {
      publications: this.#toPublications(found.slice(0, limit)),
      position,
      reachesBack:
        offset + 1 >= state.first_seq && (await this.#isWhole(name, subject, offset, bounds, found.length)),
      hasMore: found.length > limit,
    };
  }

  /** True when the bound of the subject has dropped nothing after an offset: the oldest go first, so it would be gone too. */
  async #isWhole(
    name: string,
    subject: string,
    offset: number,
    { size }: HistoryBounds,
    found: number,
  ): Promise<boolean> {
    const manager = await this.#manage();
    if (offset > 0) {
      const message = await manager.direct.getMessage(name, { seq: offset });
      return message?.subject === subject;
    }
    return found <= size && (await this.#count(name, subject)) <= size;
  }

  async #count(name: string, subject: string): Promise<number> {
    const { state } = await (await this.#manage()).streams.info(name, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  }

  /** Messages of a subject behind an offset, up to another one, oldest first. */
  async #messages(
    name: string,
    subject: string,
    after: number,
    last: number,
    limit: number,
  ): Promise<StoredMsg[]> {
    const { direct } = await this.#manage();
    const messages: StoredMsg[] = [];
    for (let seq = after + 1; seq <= last && messages.length < limit; ) {
      const message = await direct.getMessage(name, { seq, next_by_subj: subject });
      if (message === null) break;
      messages.push(message);
      seq = message.seq + 1;
    }
    return messages;
  }

  #toPublications(messages: readonly StoredMsg[]): BrokerPublication[] {
    return messages.flatMap(({ seq, data }) => {
      const decoded = decodeMessage(data, this.#takesRaw);
      return decoded === undefined ? [] : [{ offset: seq, ...decoded }];
    });
  }

  #learn(name: string, created: string): string {
    const epoch = toEpoch(created);
    const known = this.#streams.get(name);
    if (known === undefined || known.epoch !== epoch)
      this.#streams.set(name, { epoch, offset: 0, isStale: false });
    return epoch;
  }

  async #info(name: string, bounds: HistoryBounds): Promise<StreamInfo> {
    const manager = await this.#manage();
    return manager.streams.info(name).catch(async (error) => {
      if (!NOT_FOUND.test(String(error))) throw error;
      this.forget();
      await this.open(bounds);
      return manager.streams.info(name);
    });
  }

  async #open(name: string, bounds: HistoryBounds): Promise<Known> {
    const { size, ttlMs } = bounds;
    const manager = await this.#manage();
    // Adding what is there already, as it is, is no error, whoever was first.
    const { created, state } = await manager.streams.add({
      name,
      description: `shardhub: topics with a history of ${classOf(bounds)}`,
      subjects: [this.#subjects.allStored(bounds)],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      // One more, so that it can be told whether something behind a position was dropped: that would be gone too.
      max_msgs_per_subject: size + 1,
      max_age: ttlMs * NANOSECONDS,
      duplicate_window: Math.min(ID_MEMORY_MS, ttlMs) * NANOSECONDS,
      num_replicas: this.#replicas,
      allow_direct: true,
      deny_delete: true,
      republish: { src: this.#subjects.allStored(bounds), dest: this.#subjects.allLive(bounds) },
    });
    const known = { epoch: toEpoch(created), offset: state.last_seq, isStale: false };
    this.#streams.set(name, known);
    return known;
  }

  async #manage(): Promise<JetStreamManager> {
    this.#manager ??= await jetstreamManager(this.#connection, { timeout: ANSWER_MS });
    return this.#manager;
  }
}

/** The time in ns, short. */
function toEpoch(created: string): string {
  return Buffer.from(created).toString('base64url');
}
