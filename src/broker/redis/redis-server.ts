/** Redis and Valkey: channels for plain topics and signals, a stream for each topic with history. I/O thread. */
import { randomBytes } from 'node:crypto';
import type { Position } from '../../api/broker.js';
import { within } from '../../util/within.js';
import { type HistoryBounds, type HistoryRead, ID_MEMORY_MS, MAX_WAITING_BYTES } from '../broker.js';
import { textOf, unusable } from '../faults.js';
import type { OnBytes, OnStored, ServerHost, ServerPort } from '../remote/server-port.js';
import { readAccess, serversOf } from './access.js';
import { type RawEntry, RawInbox, type RawInboxHost } from './raw-inbox.js';
import { readHistory } from './read-history.js';
import type { RedisArgument, RedisLink } from './redis-link.js';
import { RedisNames } from './redis-names.js';
import type { RedisSettings } from './redis-options.js';
import { APPEND, READ, type Script, TAKE_RAW } from './scripts.js';

const NAME = 'redis';
/** A server that does not answer for so long is asked for by another connection. */
const PING_MS = 5000;
/** All nodes come back at once when a server does: within so long. */
const RECONNECT_MS = 250;
const JITTER_MS = 500;
/** Of what the server is given beside a message. */
const OVERHEAD_BYTES = 256;
const SPACE = 0x20;
/** By the rights of the user: of a command, and of one in a script. */
const REFUSED = /NOPERM|can't run this command/;

interface Subscribed {
  readonly onBytes: OnBytes;
  /** Undefined when it is to be asked for again. */
  done: Promise<unknown> | undefined;
}

export class RedisServerPort implements ServerPort, RawInboxHost {
  readonly name = NAME;
  readonly names: RedisNames;
  readonly #settings: RedisSettings;
  readonly #subscribed = new Map<string, Subscribed>();
  /** Undefined where other programs publish nothing. */
  readonly #inbox: RawInbox | undefined;
  #host: ServerHost | undefined;
  #link: RedisLink | undefined;
  #sent: Promise<unknown> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.names = new RedisNames(settings.prefix);
    this.#inbox = settings.raw ? new RawInbox(this) : undefined;
  }

  get maxMessageBytes(): number {
    return (this.#link?.maxMessageBytes ?? Number.POSITIVE_INFINITY) - OVERHEAD_BYTES;
  }

  async connect(host: ServerHost): Promise<void> {
    this.#host = host;
    try {
      await this.#open();
    } catch (error) {
      throw unusable(`${NAME} (${serversOf(this.#settings)})`, textOf(error), error);
    }
  }

  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#inbox?.stop();
    const link = this.#link;
    this.#link = undefined;
    if (link === undefined) return;
    await within(
      link.close().catch(() => {}),
      timeoutMs,
    );
    link.destroy();
  }

  subscribe(name: string, onBytes: OnBytes): Promise<unknown> {
    const subscribed = this.#subscribed.get(name) ?? { onBytes, done: undefined };
    this.#subscribed.set(name, subscribed);
    return this.#subscribe(name, subscribed);
  }

  subscribeStored(topic: string, _bounds: HistoryBounds, onStored: OnStored): Promise<unknown> {
    return this.subscribe(this.names.live(topic), (bytes) => this.#onLive(bytes, onStored));
  }

  unsubscribe(name: string): void {
    const subscribed = this.#subscribed.get(name);
    if (subscribed === undefined) return;
    this.#subscribed.delete(name);
    this.#link?.unsubscribe(name, subscribed.onBytes).catch(ignore);
  }

  send(name: string, bytes: Uint8Array): void {
    const link = this.#current();
    this.#sent = link.send(name, [verbOf(link), name, bytes]).catch(ignore);
  }

  /** One server answers in the order in which it was asked. */
  async confirm(): Promise<void> {
    await (this.#link?.isCluster ? this.#link.ping() : this.#sent);
  }

  append(topic: string, bytes: Uint8Array, bounds: HistoryBounds, id: string | undefined): Promise<Position> {
    const { names } = this;
    const idKey = id === undefined ? names.meta(topic) : names.id(topic, id);
    return this.#append(topic, bytes, bounds, idKey, id === undefined ? 0 : ID_MEMORY_MS);
  }

  /** @param more of the script's arguments */
  async #append(
    topic: string,
    bytes: Uint8Array,
    { size, ttlMs }: HistoryBounds,
    idKey: string,
    idMs: number,
    ...more: string[]
  ): Promise<Position> {
    const verb = verbOf(this.#current());
    const { names } = this;
    const keys = [names.meta(topic), names.history(topic), idKey];
    const args = [bytes, `${size}`, `${ttlMs}`, `${idMs}`, verb, names.live(topic), ...more];
    const [epoch, offset] = (await this.#run(APPEND, keys, args)) as [Buffer, number];
    return { offset, epoch: epoch.toString() };
  }

  read(
    topic: string,
    { ttlMs }: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead> {
    const keys = [this.names.meta(topic), this.names.history(topic)];
    return readHistory((args) => this.#run(READ, [...keys], args), ttlMs, since, limit);
  }

  // Of other programs

  boundsOf(topic: string): HistoryBounds | undefined {
    return this.#host?.boundsOf(topic);
  }

  async takeRaw(leaseMs: number, limit: number): Promise<readonly RawEntry[] | undefined> {
    const { raw, rawReader } = this.names;
    const args = [this.#host!.node, `${leaseMs}`, `${limit}`];
    const answer = await this.#tellRefusal(this.#run(TAKE_RAW, [raw, rawReader], args));
    if (!Array.isArray(answer)) return undefined;
    return (answer as [Buffer, Buffer[]][]).map(([id, fields]) => ({ id: id.toString(), fields }));
  }

  async moveRaw(id: string, topic: string, data: Uint8Array, bounds: HistoryBounds): Promise<unknown> {
    const bytes = this.#host!.wrap(data);
    if (bytes.length > Math.min(this.maxMessageBytes, MAX_WAITING_BYTES)) return this.dropRaw(id);
    if (!this.#current().isCluster) return this.#append(topic, bytes, bounds, this.names.raw, 0, id);
    // On another server than the topic, perhaps: should it end in between, the repeat is none.
    await this.append(topic, bytes, bounds, `raw ${id}`);
    return this.#delete(id);
  }

  dropRaw(id: string): Promise<unknown> {
    this.#host?.onForeign();
    return this.#delete(id);
  }

  /** Whoever may not delete takes nothing, which nobody else would tell. */
  async #tellRefusal<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      this.#host?.onTrouble('');
      return value;
    } catch (error) {
      const fix = `grant the user XDEL, and the keys ${this.names.raw}*`;
      if (REFUSED.test(textOf(error)))
        this.#host?.onTrouble(`what other programs publish with history is not taken: ${fix}`);
      throw error;
    }
  }

  #delete(entry: string): Promise<unknown> {
    return this.#current().send(this.names.raw, ['XDEL', this.names.raw, entry]);
  }

  /** Runs a script; the first time on a server, by its text. */
  async #run({ text, sha }: Script, keys: string[], args: RedisArgument[]): Promise<unknown> {
    const link = this.#current();
    if (!link.isCluster) keys.push(this.names.lineage);
    const rest = [`${keys.length}`, ...keys, newText(), ...args];
    try {
      return await link.send(keys[0]!, ['EVALSHA', sha, ...rest]).catch((error) => {
        if (!textOf(error).startsWith('NOSCRIPT')) throw error;
        return link.send(keys[0]!, ['EVAL', text, ...rest]);
      });
    } catch (error) {
      // It has handed over to another one, which is found by its address.
      if (/^(READONLY|MASTERDOWN)/.test(textOf(error))) this.#lose(link, textOf(error));
      throw error;
    }
  }

  #current(): RedisLink {
    if (this.#link === undefined) throw new Error('the connection to it is down');
    return this.#link;
  }

  /** Rejects when there is no connection: then it is made up for by the next one. */
  #subscribe(name: string, subscribed: Subscribed): Promise<unknown> {
    const link = this.#link;
    if (link === undefined) return Promise.reject(new Error('the connection to it is down'));
    subscribed.done ??= link.subscribe(name, subscribed.onBytes).catch((error) => {
      subscribed.done = undefined;
      throw error;
    });
    return subscribed.done;
  }

  #onLive(bytes: Uint8Array, onStored: OnStored): void {
    const first = bytes.indexOf(SPACE);
    const second = bytes.indexOf(SPACE, first + 1);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.max(0, second)).toString('latin1');
    const [epoch, number] = text.split(' ');
    const offset = Number(number);
    if (!Number.isSafeInteger(offset) || offset < 1) this.#host?.onForeign();
    else onStored(bytes.subarray(second + 1), offset, offset - 1, epoch!);
  }

  async #open(): Promise<RedisLink> {
    const { openLink } = await loadClient();
    const link: RedisLink = await openLink({
      access: await readAccess(this.#settings),
      label: `shardhub:${this.#host!.node}`,
      lineageKey: this.names.lineage,
      onLost: (reason) => this.#lose(link, reason),
    });
    if (this.#isClosed) link.destroy();
    else {
      this.#link = link;
      this.#timer = setInterval(() => void this.#look(link), PING_MS).unref();
      // Told before anything has come, and where only a look is taken.
      if (this.#inbox !== undefined) await this.#tellRefusal(this.#delete('0-0')).catch(ignore);
      this.#inbox?.start();
    }
    return link;
  }

  /** A connection may be dead and nobody say so. */
  async #look(link: RedisLink): Promise<void> {
    const answered = await within(link.ping(), PING_MS).catch(() => false);
    if (!answered) this.#lose(link, `no answer within ${PING_MS} ms`);
  }

  #lose(link: RedisLink, reason: string): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    clearInterval(this.#timer);
    this.#inbox?.stop();
    link.destroy();
    this.#host?.onDown(reason);
    this.#openLater();
  }

  #openLater(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#openAgain(), RECONNECT_MS + Math.random() * JITTER_MS);
  }

  async #openAgain(): Promise<void> {
    let link: RedisLink;
    try {
      link = await this.#open();
    } catch {
      return this.#openLater();
    }
    const all = [...this.#subscribed].map(([name, subscribed]) => {
      subscribed.done = undefined;
      return this.#subscribe(name, subscribed);
    });
    try {
      await Promise.all(all);
    } catch (error) {
      return this.#lose(link, textOf(error));
    }
    if (link === this.#link) this.#host?.onUp();
  }
}

const ignore = (): void => {};

function newText(): string {
  return randomBytes(6).toString('base64url');
}

function verbOf({ isCluster }: RedisLink): string {
  return isCluster ? 'SPUBLISH' : 'PUBLISH';
}

/** Whoever uses no Redis need not have its client. @throws HubError `ERR_BROKER` */
async function loadClient() {
  try {
    return await import('./open-link.js');
  } catch (error) {
    throw unusable(NAME, 'its client is not installed: npm install @redis/client', error);
  }
}
