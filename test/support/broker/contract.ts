/**
 * The contract of src/broker/broker.ts as tests: the same for every implementation. What a node hears is recorded as it
 * comes; whether all of it has come is asked with a mark that is published behind it.
 */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Position } from '../../../src/api/broker.js';
import type {
  Broker,
  BrokerHost,
  BrokerMessage,
  BrokerPublication,
  BrokerState,
  HistoryBounds,
} from '../../../src/broker/broker.js';
import { until } from '../until.js';

/** An engine that nodes connect to. */
export interface Engine {
  /** A broker that is not started, for a node of the same cluster. */
  connect(): Broker;
  close(): Promise<void>;
}

type Heard = BrokerPublication & {
  readonly topic: string;
  readonly previous: number;
  readonly epoch: string;
};

export class Node implements BrokerHost {
  static #count = 0;
  readonly node = `node${++Node.#count}`;
  readonly messages: { topic: string; text: string }[] = [];
  readonly publications: Heard[] = [];
  readonly signals: { channel: string; text: string }[] = [];
  readonly states: { state: BrokerState; reason: string }[] = [];
  resumed = 0;
  readonly histories: readonly HistoryBounds[] = [];
  /** Of topics that are called so. */
  readonly boundsOf = (topic: string) => (topic.startsWith('kept:') ? BOUNDS : undefined);
  readonly broker: Broker;

  static async start(engine: Engine): Promise<Node> {
    const node = new Node(engine.connect());
    onTestFinished(() => node.broker.close());
    await node.broker.start(node);
    return node;
  }

  constructor(broker: Broker) {
    this.broker = broker;
  }

  onMessage(topic: string, message: BrokerMessage): void {
    this.messages.push({ topic, text: textOf(message) });
  }

  onPublication(topic: string, publication: BrokerPublication, previous: number, epoch: string): void {
    this.publications.push({ ...publication, topic, previous, epoch });
  }

  onSignal(channel: string, bytes: Uint8Array): void {
    this.signals.push({ channel, text: Buffer.from(bytes).toString() });
  }

  onState(state: BrokerState, reason: string): void {
    this.states.push({ state, reason });
  }

  onResumed(): void {
    this.resumed++;
  }

  append(topic: string, text: string, bounds: HistoryBounds = BOUNDS, id?: string): Promise<Position> {
    return this.broker.append(topic, message(text), bounds, id);
  }

  async read(topic: string, since?: Position, limit = 1000, bounds = BOUNDS) {
    const { publications, ...rest } = await this.broker.read(topic, bounds, since, limit);
    return { texts: publications.map((one) => textOf(one.message)), ...rest };
  }

  texts(topic: string): string[] {
    return this.publications.filter((one) => one.topic === topic).map((one) => textOf(one.message));
  }
}

export const BOUNDS: HistoryBounds = { size: 100, ttlMs: 60_000 };

export function message(text: string): BrokerMessage {
  return { data: Buffer.from(text), isBinary: false };
}

function textOf({ data }: BrokerMessage): string {
  return Buffer.from(data).toString();
}

let topics = 0;
/** A name that no other test uses, with what engines give a meaning to in it. */
export const freshTopic = (suffix = '') => `t${++topics}:${process.pid}.a/b{c}%[d]?é${suffix}`;

export function describeBroker(name: string, open: () => Promise<Engine>): void {
  describe(`the contract, ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine.close());
    const start = () => Node.start(engine);

    test('a plain publication reaches each other node that follows, in order, and nobody else', async () => {
      const [publisher, follower, stranger] = [await start(), await start(), await start()];
      const topic = freshTopic();
      for (const node of [publisher, follower]) await node.broker.follow(topic, undefined);
      await stranger.broker.follow(`${topic}x`, undefined);
      const texts = Array.from({ length: 500 }, (_, i) => `${i}`);
      for (const text of texts) expect(publisher.broker.publish(topic, message(text))).toBe('sent');
      await until('all of them', () => follower.messages.length === texts.length);
      expect(follower.messages).toEqual(texts.map((text) => ({ topic, text })));
      expect([publisher.messages, stranger.messages]).toEqual([[], []]);
    });

    test('bytes, keys and exceptions arrive as they were', async () => {
      const [publisher, follower] = [await start(), await start()];
      const topic = freshTopic();
      await follower.broker.follow(topic, BOUNDS);
      const data = Uint8Array.from({ length: 70_000 }, (_, i) => i);
      const sent = { data, isBinary: true, key: 'kéy', except: ['a.1', 'b.2'] };
      const { offset } = await publisher.broker.append(topic, sent, BOUNDS, undefined);
      await until('it', () => follower.publications.length === 1);
      const { message: got, ...rest } = follower.publications[0]!;
      expect({ ...got, data: Buffer.compare(got.data, data) }).toEqual({ ...sent, data: 0 });
      expect(rest).toMatchObject({ offset, node: publisher.node, topic });
      const [stored] = (await follower.broker.read(topic, BOUNDS, undefined, 1)).publications;
      expect(stored).toMatchObject({ offset, node: publisher.node });
      expect(Buffer.compare(stored!.message.data, data)).toBe(0);
    });

    test('publications with history are the same for all, each with the offset before it', async () => {
      const nodes = [await start(), await start(), await start()];
      const topic = freshTopic();
      for (const node of nodes) await node.broker.follow(topic, BOUNDS);
      const answers = await Promise.all(
        Array.from({ length: 150 }, (_, i) => nodes[i % 3]!.append(topic, `${i}`)),
      );
      await until('all', () => nodes.every(({ publications }) => publications.length === 150));
      // They come in this order, but for those that were published in the same moment.
      const [first, ...others] = nodes.map(({ publications }) =>
        publications.toSorted((a, b) => a.offset - b.offset),
      );
      for (const other of others) expect(other).toEqual(first);
      for (const [i, publication] of first!.entries())
        expect(publication.previous).toBe(i === 0 ? 0 : first![i - 1]!.offset);
      // What each publisher was told is where it is.
      for (const [i, { offset, epoch }] of answers.entries()) {
        const heard = first!.find((one) => textOf(one.message) === `${i}`)!;
        expect([heard.offset, heard.epoch]).toEqual([offset, epoch]);
      }
    });

    test('what is read after a position is everything behind it, and nothing else', async () => {
      const [node, other] = [await start(), await start()];
      const topic = freshTopic();
      const none = await node.read(topic);
      expect(none).toMatchObject({ texts: [], reachesBack: true, hasMore: false, position: { offset: 0 } });
      const positions: Position[] = [];
      for (const text of ['a', 'b', 'c', 'd']) {
        positions.push(await node.append(topic, text));
        await other.append(`${topic}x`, text);
      }
      const [a, , c, d] = positions;
      expect(await other.read(topic, a)).toEqual({
        texts: ['b', 'c', 'd'],
        position: d,
        reachesBack: true,
        hasMore: false,
      });
      expect(await other.read(topic, a, 2)).toMatchObject({ texts: ['b', 'c'], hasMore: true });
      expect(await other.read(topic, c, 2)).toMatchObject({ texts: ['d'], hasMore: false });
      expect(await other.read(topic, d)).toMatchObject({ texts: [], reachesBack: true, position: d });
      // Without a position, the newest.
      expect(await other.read(topic, undefined, 2)).toMatchObject({ texts: ['c', 'd'], reachesBack: true });
      const foreign = { ...a!, epoch: `${a!.epoch}x` };
      expect(await other.read(topic, foreign)).toMatchObject({ reachesBack: false, position: d });
    });

    test('what was dropped for the size is never taken for nothing', async () => {
      const node = await start();
      const topic = freshTopic();
      const bounds = { size: 3, ttlMs: 60_000 };
      const positions: Position[] = [];
      for (let i = 0; i < 10; i++) positions.push(await node.append(topic, `${i}`, bounds));
      const read = (since: Position | undefined) => node.read(topic, since, 1000, bounds);
      expect(await read(positions[6])).toMatchObject({ texts: ['7', '8', '9'], reachesBack: true });
      for (const old of positions.slice(0, 5)) expect((await read(old)).reachesBack).toBe(false);
      expect((await read({ ...positions[0]!, offset: 0 })).reachesBack).toBe(false);
      expect((await read(undefined)).texts).toEqual(['7', '8', '9']);
    });

    test('what was dropped for its age is never taken for nothing', async () => {
      const node = await start();
      const topic = freshTopic();
      const bounds = { size: 100, ttlMs: 1000 };
      const first = await node.append(topic, 'first', bounds);
      const second = await node.append(topic, 'second', bounds);
      await until('its end', async () => (await node.read(topic, undefined, 10, bounds)).texts.length === 0);
      expect((await node.read(topic, first, 10, bounds)).reachesBack).toBe(false);
      // Another one behind it: what was told before is still before that.
      const third = await node.append(topic, 'third', bounds);
      expect(third.epoch).toBe(second.epoch);
      expect(third.offset).toBeGreaterThan(second.offset);
      expect((await node.read(topic, first, 10, bounds)).reachesBack).toBe(false);
    });

    test('the same id is published once', async () => {
      const [node, other] = [await start(), await start()];
      const topic = freshTopic();
      await other.broker.follow(topic, BOUNDS);
      const position = await node.append(topic, 'once', BOUNDS, 'id é');
      expect(await node.append(topic, 'once', BOUNDS, 'id é')).toEqual(position);
      expect(await other.append(topic, 'once', BOUNDS, 'id é')).toEqual(position);
      await node.append(topic, 'other', BOUNDS, 'another id');
      // Of another topic, it is another one.
      await node.append(`${topic}x`, 'elsewhere', BOUNDS, 'id é');
      expect((await node.read(topic)).texts).toEqual(['once', 'other']);
      expect((await node.read(`${topic}x`)).texts).toEqual(['elsewhere']);
      await until('both', () => other.publications.length === 2);
      expect(other.texts(topic)).toEqual(['once', 'other']);
    });

    test('who has unfollowed hears nothing more, and may follow again', async () => {
      const [publisher, follower] = [await start(), await start()];
      const [topic, mark] = [freshTopic(), freshTopic()];
      await follower.broker.follow(topic, BOUNDS);
      await follower.broker.follow(mark, BOUNDS);
      await publisher.append(topic, 'one');
      await until('one', () => follower.publications.length === 1);
      follower.broker.unfollow(topic, BOUNDS);
      // Unfollowing is not awaited: the engine has heard of it once it answers this.
      await follower.read(topic);
      await publisher.append(topic, 'two');
      await publisher.append(mark, 'mark');
      await until('the mark', () => follower.texts(mark).length === 1);
      expect(follower.texts(topic)).toEqual(['one']);
      await follower.broker.follow(topic, BOUNDS);
      await publisher.append(topic, 'three');
      await until('three', () => follower.texts(topic).length === 2);
      expect(follower.publications.at(-1)!.previous).toBeGreaterThan(follower.publications[0]!.offset);
    });

    test('names that engines give a meaning to are apart', async () => {
      const node = await start();
      const base = `n${++topics}${process.pid}`;
      const names = [
        '.',
        '_',
        '/',
        ':',
        '$',
        '{}',
        '%2E',
        '_2E',
        '=',
        'é',
        'É',
        '\\',
        '"',
        "'",
        'x'.repeat(480),
      ];
      for (const name of names) await node.broker.follow(base + name, BOUNDS);
      for (const name of names) await node.append(base + name, name);
      await until('all', () => node.publications.length === names.length);
      for (const name of names) {
        expect(node.texts(base + name)).toEqual([name]);
        expect((await node.read(base + name)).texts).toEqual([name]);
      }
    });

    test('signals reach each other node that listens on their channel', async () => {
      const [sender, listener, stranger] = [await start(), await start(), await start()];
      const channel = `presence:${freshTopic()}`;
      await listener.broker.listen(channel);
      await sender.broker.listen(channel);
      await stranger.broker.listen(`${channel}x`);
      for (let i = 0; i < 100; i++) sender.broker.signal(channel, Buffer.from(`${i}`));
      await until('all', () => listener.signals.length === 100);
      expect(listener.signals.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
      expect([sender.signals, stranger.signals]).toEqual([[], []]);
    });

    test('it is up once it has started, and refuses once it is closed', async () => {
      const node = await start();
      expect(node.states.at(-1)).toEqual({ state: 'up', reason: '' });
      await node.broker.close();
      expect(node.broker.publish('x', message('x'))).toBe('away');
      expect(node.broker.signal('x', Buffer.from('x'))).toBe('away');
      for (const promise of [node.append('x', 'x'), node.read('x')])
        await expect(promise).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    });
  });
}
