/** Replies that lie about themselves, whose memory is gone, or that cannot be begun: each costs itself only. */
import { describe, expect, test } from 'vitest';
import type { HandlerErrorEvent } from '../../src/api/events.js';
import { fetchRaw } from '../support/clients/http-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const handler = fixture('values.mjs');
type Values = Record<string, () => Uint8Array>;
const { BAD, BIG_GOOD, GOOD } = (await import(handler.href)) as Record<'BAD' | 'BIG_GOOD' | 'GOOD', Values>;
const ALL: Values = { ...GOOD, ...BIG_GOOD, ...BAD };
const good = Object.keys({ ...GOOD, ...BIG_GOOD });
const bad = Object.keys(BAD);
const CONTAINERS = /generator|sync|async|then|promise|stream|constructor/;
const SETTINGS = [1, 0].flatMap((workers) =>
  (['serial', 'concurrent', 'unordered'] as const).map((ordering) => ({ workers, ordering })),
);

describe.each(SETTINGS)('workers: $workers, $ordering', ({ workers, ordering }) => {
  const options = { workers, ordering, handler, onHandlerError: 'ignore' } as const;

  test.each(['returned', 'later', 'item', 'later-item', 'sent', 'published'])(
    '%s: what can be sent arrives as it is, in order, and all else is an error',
    async (way) => {
      const { hub } = await startHub(options);
      const errors: HandlerErrorEvent[] = [];
      hub.on('handlerError', (event) => errors.push(event));
      const client = await WsClient.connect(hub.wsUrl);
      // What is to be waited for by itself is no item, and cannot be sent.
      const names = [...good, ...bad].filter(
        (name) => way === 'returned' || way === 'later' || !CONTAINERS.test(name),
      );
      for (const name of names) {
        const expected = good.includes(name) ? 1 : 0;
        client.send(`${way} ${name}`);
        client.send(`tick ${name}`);
        const replies = await client.collect(expected + 1);
        const texts = replies.map(
          ({ data, isBinary }) => `${isBinary ? '' : 'text '}${data.subarray(0, 50)}`,
        );
        const value = name.startsWith('text')
          ? 'text abc'
          : `abc${'\0'.repeat(name.startsWith('big') ? 47 : 0)}`;
        const inOrder = [...(expected ? [value] : []), `text tick ${name}`];
        if (ordering === 'unordered') expect(texts.sort()).toEqual(inOrder.sort());
        else expect(texts).toEqual(inOrder);
        if (expected && name.startsWith('big')) expect(replies[0]!.data).toHaveLength(300_000);
      }
      const failed = names.filter((name) => bad.includes(name));
      await until('the errors', () => errors.length >= failed.length);
      expect(errors).toHaveLength(failed.length);
      await until('the end of all', () => hub.stats().messages.inFlight === 0);
      expect(hub.stats()).toMatchObject({ workerExits: 0, connections: { open: 1 } });
    },
  );
});

test.each([1, 0])('workers: %i: what fails behind an earlier message keeps its place', async (workers) => {
  const { hub } = await startHub({
    workers,
    ordering: 'concurrent',
    maxConcurrent: 200,
    handler,
    onHandlerError: 'ignore',
  });
  const errors: HandlerErrorEvent[] = [];
  hub.on('handlerError', (event) => errors.push(event));
  const client = await WsClient.connect(hub.wsUrl);
  // A promise for an item is one to a stream that waits.
  const failing = bad.filter((name) => name !== 'sync-next-promise');
  const names = [...good, ...failing];
  client.send('hold');
  for (const name of names) for (const text of [`returned ${name}`, `tick ${name}`]) client.send(text);
  client.send('release');
  const replies = await client.collectTexts(1 + good.length + names.length);
  const told = replies.slice(1).map((text) => (text.startsWith('tick ') ? text.slice(5) : text.slice(0, 3)));
  expect(replies[0]).toBe('released');
  expect(told).toEqual(names.flatMap((name) => (good.includes(name) ? ['abc', name] : [name])));
  await until('the end of all', () => hub.stats().messages.inFlight === 0);
  expect(errors).toHaveLength(failing.length);
});

test('the text of an error is cut', async () => {
  const { hub } = await startHub({ workers: 1, handler, onHandlerError: 'ignore' });
  const errors: HandlerErrorEvent[] = [];
  hub.on('handlerError', (event) => errors.push(event));
  const client = await WsClient.connect(hub.wsUrl);
  client.send('throw 1000000');
  expect(await client.ask('tick')).toBe('tick');
  const { message, stack } = errors[0]!.error;
  for (const text of [message, stack!]) expect(text).toMatch(/^(Error: )?x{16000,16384}…$/);
});

test('a stream that cannot be begun costs its connection, and what came before it is answered', async () => {
  const { hub } = await startHub({ handler, ordering: 'concurrent' });
  const client = await WsClient.connect(hub.wsUrl);
  for (const text of ['tick 1', 'returned locked-stream', 'tick 2']) client.send(text);
  expect(await client.nextText()).toBe('tick 1');
  expect((await client.closed).code).toBe(1011);
  await until('the end of all', () => hub.stats().messages.inFlight === 0);
  expect(hub.stats()).toMatchObject({ handlerErrors: 1, workerExits: 0 });
});

describe('on the I/O thread', () => {
  const names = [...good, ...bad].filter((name) => !CONTAINERS.test(name) && !name.startsWith('message'));

  test('send, publish, broadcast and ping take bytes as they are, and refuse what is gone', async () => {
    const { hub } = await startHub();
    const client = await WsClient.connect(hub.wsUrl);
    const pings: Buffer[] = [];
    client.socket.on('ping', (payload) => pings.push(payload));
    const [connection] = hub.connections();
    connection!.subscribe('values');
    const sends: ((value: Uint8Array) => unknown)[] = [
      (value) => connection!.send(value),
      (value) => hub.publish('values', value),
      (value) => hub.broadcast(value),
    ];
    for (const name of names) {
      for (const send of sends) {
        const value = ALL[name]!();
        if (bad.includes(name))
          expect(() => send(value), name).toThrow(expect.objectContaining({ code: 'ERR_DATA_TYPE' }));
        else {
          expect(send(value), name).toSatisfy((result) => result === 'accepted' || result === 1);
          const { data, isBinary } = await client.next();
          expect([`${data.subarray(0, 3)}`, data.length, isBinary], name).toEqual([
            'abc',
            name.startsWith('big') ? 300_000 : 3,
            name !== 'text',
          ]);
        }
      }
      const payload = { ...GOOD, ...BAD }[name]?.();
      if (payload === undefined) continue;
      if (bad.includes(name)) await expect(connection!.ping(payload), name).rejects.toThrow(/not|gone/);
      else {
        expect(await connection!.ping(payload), name).toBeGreaterThan(0);
        expect(`${pings.pop()}`, name).toBe('abc');
      }
    }
    expect(hub.stats()).toMatchObject({ connections: { open: 1 } });
  });

  test('bodies of responses are sent as they are, or not at all', async () => {
    const { hub } = await startHub();
    hub.http((request) => {
      const name = new URL(request.url).pathname.slice(1);
      const value = ALL[name]!();
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(value);
          controller.close();
        },
      });
      return new Response(body);
    });
    for (const name of names.filter((name) => name !== 'text')) {
      const { status, body } = await fetchRaw(`${hub.url}/${name}`);
      if (bad.includes(name)) expect(status, name).toBe(500);
      else {
        const length = name.startsWith('big') ? 300_000 : 3;
        expect([status, `${body.subarray(0, 3)}`, body.length], name).toEqual([200, 'abc', length]);
      }
    }
  });
});
