/**
 * A broker with a server behind it: bounds, time limits and states, which are the same whatever the server is. Everything
 * is on the I/O thread: what costs there is the parsing of what comes, and that is wanted there.
 */
import { isUtf8 } from 'node:buffer';
import type { Position } from '../../api/broker.js';
import { HubError } from '../../api/errors.js';
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
import { busy, textOf, tooLarge, unavailable } from '../faults.js';
import type { ServerPort } from './server-port.js';

/** Everything that waits for an answer of the server waits so long. */
export const ANSWER_MS = 5000;
const CLOSE_MS = 2000;
/** So many bytes are sent before the server is asked whether it has them. */
const CONFIRM_BYTES = 256 * 1024;
/** Topics whose names on the server are remembered. */
const MAX_NAMES = 10_000;

export class RemoteBroker implements Broker {
  readonly hasOthers = true;
  readonly #server: ServerPort;
  readonly #takesRaw: boolean;
  #host: BrokerHost | undefined;
  #state: BrokerState = 'down';
  #reason = '';
  /** What its server refuses for good, in words; empty when it is nothing. */
  #trouble = '';
  /** Bytes that the server may not have yet. The buffers of clients have no bound. */
  #waitingBytes = 0;
  /** Of these, what it was not asked about. */
  #unasked = 0;
  #foreign = 0;
  readonly #plainNames = new Map<string, string>();

  /** @param takesRaw what other programs publish is taken as it is */
  constructor(server: ServerPort, takesRaw = false) {
    this.#server = server;
    this.#takesRaw = takesRaw;
  }

  get name(): string {
    return this.#server.name;
  }

  /** What is larger than all that may wait could never be sent. */
  get maxMessageBytes(): number {
    return Math.min(this.#server.maxMessageBytes, MAX_WAITING_BYTES);
  }

  async start(host: BrokerHost): Promise<void> {
    await this.#server.connect({
      node: host.node,
      histories: host.histories,
      boundsOf: (topic) => host.boundsOf(topic),
      wrap: (data) => encodeMessage(host.node, { data, isBinary: !isUtf8(data) }),
      onUp: () => {
        this.#setState('up', '');
        this.#host?.onResumed();
      },
      onDown: (reason) => this.#setState('down', reason),
      onTrouble: (trouble) => {
        if (trouble === this.#trouble) return;
        this.#trouble = trouble;
        if (this.#state !== 'down') this.#setState('up', '');
      },
      onForeign: () => {
        this.#foreign++;
      },
    });
    this.#host = host;
    this.#setState('up', '');
  }

  async close(): Promise<void> {
    if (this.#host === undefined) return;
    this.#host = undefined;
    await this.#server.close(CLOSE_MS);
  }

  stats(): BrokerStats {
    return { waitingBytes: this.#waitingBytes, foreign: this.#foreign };
  }

  async follow(topic: string, bounds: HistoryBounds | undefined): Promise<void> {
    const { names } = this.#server;
    const following =
      bounds === undefined
        ? this.#server.subscribe(names.plain(topic), (bytes) => this.#onPlain(topic, bytes))
        : this.#server.subscribeStored(topic, bounds, (...stored) => this.#onStored(topic, ...stored));
    await this.#answer(following);
  }

  unfollow(topic: string, bounds: HistoryBounds | undefined): void {
    const { names } = this.#server;
    this.#server.unsubscribe(bounds === undefined ? names.plain(topic) : names.live(topic, bounds));
  }

  publish(topic: string, message: BrokerMessage): SendVerdict {
    const node = this.#host?.node;
    if (node === undefined || this.#state === 'down') return 'away';
    return this.#send(this.#plainName(topic), encodeMessage(node, message));
  }

  async append(
    topic: string,
    message: BrokerMessage,
    bounds: HistoryBounds,
    id: string | undefined,
  ): Promise<Position> {
    const { node } = this.#up();
    const payload = encodeMessage(node, message);
    const { maxMessageBytes } = this;
    if (payload.length > maxMessageBytes) throw tooLarge(this.name, payload.length, maxMessageBytes);
    if (this.#waitingBytes + payload.length > MAX_WAITING_BYTES) throw busy(this.name);
    this.#waitingBytes += payload.length;
    try {
      return await this.#answer(this.#server.append(topic, payload, bounds, id));
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
    return this.#answer(this.#server.read(topic, bounds, since, limit));
  }

  async listen(channel: string): Promise<void> {
    const name = this.#server.names.signal(channel);
    await this.#answer(this.#server.subscribe(name, (bytes) => this.#onSignal(channel, bytes)));
  }

  unlisten(channel: string): void {
    this.#server.unsubscribe(this.#server.names.signal(channel));
  }

  signal(channel: string, data: Uint8Array): SendVerdict {
    const node = this.#host?.node;
    if (node === undefined || this.#state === 'down') return 'away';
    return this.#send(this.#server.names.signal(channel), encodeMessage(node, { data, isBinary: true }));
  }

  /** hot: to escape a topic costs as much as to send a publication of it. */
  #plainName(topic: string): string {
    let name = this.#plainNames.get(topic);
    if (name === undefined) {
      name = this.#server.names.plain(topic);
      if (this.#plainNames.size === MAX_NAMES) this.#plainNames.clear();
      this.#plainNames.set(topic, name);
    }
    return name;
  }

  /** hot: once per plain publication. */
  #send(name: string, payload: Uint8Array): SendVerdict {
    const { length } = payload;
    if (length > this.maxMessageBytes) return 'too-large';
    if (this.#waitingBytes + length > MAX_WAITING_BYTES) return 'busy';
    try {
      this.#server.send(name, payload);
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
    this.#server.confirm().then(done, done);
  }

  /** Servers may give a node what it has published itself. */
  #onPlain(topic: string, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes, this.#takesRaw);
    if (decoded === undefined) this.#foreign++;
    else if (decoded.node !== this.#host?.node) this.#host?.onMessage(topic, decoded.message);
  }

  #onSignal(channel: string, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes);
    if (decoded === undefined) this.#foreign++;
    else if (decoded.node !== this.#host?.node) this.#host?.onSignal(channel, decoded.message.data);
  }

  #onStored(topic: string, bytes: Uint8Array, offset: number, previous: number, epoch: string): void {
    const decoded = decodeMessage(bytes, this.#takesRaw);
    if (decoded === undefined) this.#foreign++;
    else this.#host?.onPublication(topic, { offset, ...decoded }, previous, epoch);
  }

  /** @throws HubError `ERR_BROKER_UNAVAILABLE` */
  #up(): BrokerHost {
    if (this.#host === undefined) throw unavailable(this.name, 'it is closed');
    if (this.#state === 'down') throw unavailable(this.name, 'the connection to it is down');
    return this.#host;
  }

  /** @throws HubError `ERR_BROKER_UNAVAILABLE` when it is none, or not there in time */
  async #answer<T>(promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    });
    try {
      const value = await Promise.race([promise, late]);
      if (this.#state === 'degraded') this.#setState('up', '');
      return value;
    } catch (error) {
      if (error instanceof HubError) throw error;
      if (this.#state === 'up') this.#setState('degraded', textOf(error));
      throw unavailable(this.name, textOf(error), error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Up is no more than degraded while there is trouble. */
  #setState(wanted: BrokerState, why: string): void {
    const isTroubled = wanted === 'up' && this.#trouble !== '';
    const state = isTroubled ? 'degraded' : wanted;
    const reason = isTroubled ? this.#trouble : why;
    if (state === this.#state && (state !== 'degraded' || reason === this.#reason)) return;
    this.#state = state;
    this.#reason = reason;
    this.#host?.onState(state, reason);
  }
}
