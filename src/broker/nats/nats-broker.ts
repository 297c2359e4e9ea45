/**
 * NATS: core subjects for plain topics and signals, JetStream for history. One connection, on the I/O thread: what costs there is
 * the parsing of what comes, and that is wanted there.
 */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Position } from '../../api/broker.js';
import { HubError } from '../../api/errors.js';
import { within } from '../../util/within.js';
import {
  type Broker,
  type BrokerHost,
  type BrokerMessage,
  type BrokerState,
  type BrokerStats,
  type HistoryBounds,
  type HistoryRead,
  MAX_WAITING_BYTES,
  type SendVerdict,
} from '../broker.js';
import { decodeMessage, encodeMessage } from '../codec.js';
import { busy, tooLarge, unavailable, unusable } from '../faults.js';
import type { BrokerAccess } from '../settings.js';
import type { NatsHistory } from './nats-history.js';
import { Subjects } from './subjects.js';

const NAME = 'nats';
const DEFAULT_PREFIX = 'sh';
/** Everything that waits for an answer of the server waits so long. */
const ANSWER_MS = 5000;
const CLOSE_MS = 2000;
/** So many bytes are sent before the server is asked whether it has them. */
const CONFIRM_BYTES = 256 * 1024;

export class NatsBroker implements Broker {
  readonly name = NAME;
  readonly hasOthers = true;
  maxMessageBytes = 1024 * 1024;
  readonly #settings: BrokerAccess;
  readonly #histories: readonly HistoryBounds[];
  readonly #subjects: Subjects;
  readonly #subscriptions = new Map<string, Subscription>();
  #connection: NatsConnection | undefined;
  #history: NatsHistory | undefined;
  #host: BrokerHost | undefined;
  #state: BrokerState = 'down';
  /** Bytes that the server may not have yet. */
  #waitingBytes = 0;
  /** Of these, what it was not asked about. */
  #unasked = 0;
  #foreign = 0;
  #syncing: Promise<void> | undefined;

  /** @param histories that are going to be needed */
  constructor(settings: BrokerAccess, histories: readonly HistoryBounds[]) {
    this.#settings = settings;
    this.#histories = histories;
    this.#subjects = new Subjects(settings.prefix ?? DEFAULT_PREFIX);
  }

  async start(host: BrokerHost): Promise<void> {
    const { connectToNats, NatsHistory } = await loadClient();
    const connection = await connectToNats(this.#settings, `shardhub ${host.node}`);
    this.#connection = connection;
    this.#host = host;
    this.#history = new NatsHistory(connection, this.#subjects, this.#settings.replicas ?? 1);
    this.maxMessageBytes = connection.info?.max_payload ?? this.maxMessageBytes;
    try {
      for (const bounds of this.#histories) await this.#history.open(bounds);
    } catch (error) {
      await connection.close();
      throw unusable(NAME, `JetStream, which topics with history need: ${textOf(error)}`, error);
    }
    this.#setState('up', '');
    void this.#watch(connection);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#host = undefined;
    if (connection === undefined || connection.isClosed()) return;
    await within(
      connection.drain().catch(() => {}),
      CLOSE_MS,
    );
    await connection.close();
  }

  stats(): BrokerStats {
    return { waitingBytes: this.#waitingBytes, foreign: this.#foreign };
  }

  async follow(topic: string, bounds: HistoryBounds | undefined): Promise<void> {
    if (bounds === undefined) {
      this.#subscribe(this.#subjects.plain(topic), (message) => this.#onPlain(topic, message));
    } else {
      this.#subscribe(this.#subjects.live(topic, bounds), (message) => this.#onLive(topic, bounds, message));
    }
    await this.#answer(this.#sync());
    if (bounds !== undefined) await this.#answer(this.#history?.open(bounds));
  }

  unfollow(topic: string, bounds: HistoryBounds | undefined): void {
    this.#unsubscribe(
      bounds === undefined ? this.#subjects.plain(topic) : this.#subjects.live(topic, bounds),
    );
  }

  publish(topic: string, message: BrokerMessage): SendVerdict {
    const node = this.#host?.node;
    if (node === undefined || this.#state === 'down') return 'away';
    return this.#send(this.#subjects.plain(topic), encodeMessage(node, message));
  }

  async append(
    topic: string,
    message: BrokerMessage,
    bounds: HistoryBounds,
    id: string | undefined,
  ): Promise<Position> {
    const { node } = this.#up();
    const payload = encodeMessage(node, message);
    if (payload.length > this.maxMessageBytes) throw tooLarge(NAME, payload.length, this.maxMessageBytes);
    if (this.#waitingBytes + payload.length > MAX_WAITING_BYTES) throw busy(NAME);
    this.#waitingBytes += payload.length;
    try {
      return await this.#answer(this.#history!.append(topic, payload, bounds, id));
    } finally {
      this.#waitingBytes -= payload.length;
    }
  }

  async read(
    topic: string,
    bounds: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead> {
    this.#up();
    return this.#answer(this.#history!.read(topic, bounds, since, limit));
  }

  async listen(channel: string): Promise<void> {
    this.#subscribe(this.#subjects.signal(channel), ({ data }) => this.#host?.onSignal(channel, data));
    await this.#answer(this.#sync());
  }

  unlisten(channel: string): void {
    this.#unsubscribe(this.#subjects.signal(channel));
  }

  signal(channel: string, bytes: Uint8Array): SendVerdict {
    if (this.#host === undefined || this.#state === 'down') return 'away';
    return this.#send(this.#subjects.signal(channel), bytes);
  }

  /** hot: once per plain publication. The client's own buffer has no bound. */
  #send(subject: string, payload: Uint8Array): SendVerdict {
    const { length } = payload;
    if (length > this.maxMessageBytes) return 'too-large';
    if (this.#waitingBytes + length > MAX_WAITING_BYTES) return 'busy';
    try {
      this.#connection!.publish(subject, payload);
    } catch {
      return 'away';
    }
    this.#waitingBytes += length;
    this.#unasked += length;
    if (this.#unasked >= CONFIRM_BYTES) this.#confirm();
    else if (this.#unasked === length) setImmediate(this.#confirmSoon);
    return 'sent';
  }

  readonly #confirmSoon = (): void => {
    if (this.#unasked > 0) this.#confirm();
  };

  /** What was sent until now is there once the server has answered what is asked behind it. */
  #confirm(): void {
    const bytes = this.#unasked;
    this.#unasked = 0;
    const done = () => {
      this.#waitingBytes -= bytes;
    };
    this.#connection?.flush().then(done, done);
  }

  #subscribe(subject: string, callback: (message: Msg) => void): void {
    const connection = this.#connection;
    if (connection === undefined || this.#subscriptions.has(subject)) return;
    const onMessage = (error: Error | null, message: Msg): void => {
      if (error === null) callback(message);
    };
    this.#subscriptions.set(subject, connection.subscribe(subject, { callback: onMessage }));
  }

  #unsubscribe(subject: string): void {
    this.#subscriptions.get(subject)?.unsubscribe();
    this.#subscriptions.delete(subject);
  }

  #onPlain(topic: string, { data }: Msg): void {
    const decoded = decodeMessage(data);
    if (decoded === undefined) this.#foreign++;
    else this.#host?.onMessage(topic, decoded.message);
  }

  #onLive(topic: string, bounds: HistoryBounds, { data, headers }: Msg): void {
    const decoded = decodeMessage(data);
    const offset = Number(headers?.get('Nats-Sequence'));
    const previous = Number(headers?.get('Nats-Last-Sequence'));
    if (decoded === undefined || !(offset > 0) || !(previous >= 0)) this.#foreign++;
    else this.#host?.onPublication(topic, { offset, ...decoded }, previous, this.#history!.epochOf(bounds));
  }

  /** Resolves once the server has everything that was asked for before: one question for all that ask at the same time. */
  #sync(): Promise<void> {
    this.#syncing ??= Promise.resolve().then(() => {
      this.#syncing = undefined;
      return this.#connection?.flush();
    });
    return this.#syncing;
  }

  /** @throws HubError `ERR_BROKER_UNAVAILABLE` */
  #up(): BrokerHost {
    if (this.#host === undefined) throw unavailable(NAME, 'it is closed');
    if (this.#state === 'down') throw unavailable(NAME, 'the connection to it is down');
    return this.#host;
  }

  /** @throws HubError `ERR_BROKER_UNAVAILABLE` when it is none, or not there in time */
  async #answer<T>(promise: Promise<T> | undefined): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    });
    try {
      const value = await Promise.race([promise as Promise<T>, late]);
      if (this.#state === 'degraded') this.#setState('up', '');
      return value;
    } catch (error) {
      if (error instanceof HubError) throw error;
      if (this.#state === 'up') this.#setState('degraded', textOf(error));
      throw unavailable(NAME, textOf(error), error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (this.#connection !== connection) return;
      if (type === 'disconnect') this.#setState('down', 'the connection to it is lost');
      if (type === 'reconnect') this.#onReconnect();
    }
  }

  #onReconnect(): void {
    // It may be another server, or one that has lost what it had.
    this.#history!.forget();
    this.maxMessageBytes = this.#connection?.info?.max_payload ?? this.maxMessageBytes;
    this.#setState('up', '');
    // What was followed is followed again by the client; behind this, it is.
    this.#sync().then(
      () => this.#host?.onResumed(),
      () => {},
    );
  }

  #setState(state: BrokerState, reason: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#host?.onState(state, reason);
  }
}

/** Whoever uses no NATS need not have its client. @throws HubError `ERR_BROKER` */
async function loadClient() {
  try {
    const [connection, history] = await Promise.all([
      import('./nats-connection.js'),
      import('./nats-history.js'),
    ]);
    return { ...connection, ...history };
  } catch (error) {
    const packages = '@nats-io/transport-node @nats-io/jetstream';
    throw unusable(NAME, `its client is not installed: npm install ${packages}`, error);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
