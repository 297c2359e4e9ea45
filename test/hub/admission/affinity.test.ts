/** The option `affinity`: connections with the same key share a worker, whatever becomes of it. */
import type { AffinityHook, HandshakeRequest } from 'shardhub';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { compileAffinity, shardOfKey } from '../../../src/hub/admission/affinity.js';
import { resolveOptions } from '../../../src/options/options.js';
import { fetchRaw, post } from '../../support/clients/http-client.js';
import { tryHandshake } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { counted } from '../../support/counters.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const handler = fixture('where.mjs');
const FOREVER = 86_400_000;
const rooms = Array.from({ length: 12 }, (_, i) => `room-${i}`);
/** Names of rooms, one for each of two shards. */
const [onFirst, onSecond] = [0, 1].map((shard) => rooms.find((room) => shardOfKey(room, 2) === shard)!);

/** `POST /echo` with a query. */
const echo = (url: string) =>
  fetchRaw(url, { method: 'POST', headers: { 'content-type': 'text/plain' } }, 'where');

describe('the key', () => {
  const request = {
    path: '/chat',
    query: 'room=a%20b&empty=&x=1',
    headers: { 'x-room': 'c', 'x-empty': '' },
  } as unknown as HandshakeRequest;

  test.each([
    ['path', '/chat'],
    ['query:room', 'a b'],
    ['query:room=lobby', 'a b'],
    ['query:Room', undefined],
    ['query:none', undefined],
    ['query:none=lobby', 'lobby'],
    ['query:none=a=b', 'a=b'],
    ['query:empty', undefined],
    ['query:empty=lobby', 'lobby'],
    ['header:x-room', 'c'],
    ['header:X-Room', 'c'],
    ['header:x-none', undefined],
    ['header:x-empty=lobby', 'lobby'],
  ])('of %s is %j', (option, key) => {
    expect(compileAffinity(resolveOptions({ affinity: option }).affinity!)(request, undefined)).toBe(key);
  });

  test.each([
    '',
    'room',
    'path:x',
    'path=x',
    'query',
    'query:',
    'query:=x',
    'query:a=',
    'header:a b',
    7 as never,
  ])('is not taken from %j', (affinity) => {
    expect(() => resolveOptions({ affinity })).toThrow(/option "affinity" got .* but takes "path", "query:/);
  });

  test.each([2, 3, 8])('spreads over %i shards', (count) => {
    const load = new Array<number>(count).fill(0);
    for (let i = 0; i < 10_000; i++) load[shardOfKey(`room-${i}`, count)]!++;
    for (const keys of load) {
      expect(keys).toBeGreaterThan((0.8 * 10_000) / count);
      expect(keys).toBeLessThan((1.2 * 10_000) / count);
    }
  });
});

test('connections with the same key are in the same worker, those without where there is room', async () => {
  const { hub } = await startHub({ handler, affinity: 'query:room' });
  for (const room of rooms) {
    const clients = await Promise.all([1, 2, 3].map(() => WsClient.connect(`${hub.wsUrl}?room=${room}`)));
    const places = await Promise.all(clients.map((client) => client.ask('where')));
    expect(new Set(places)).toEqual(new Set([String(shardOfKey(room, 2))]));
    for (const client of clients) await client.close();
  }
  await until('all to be gone', () => hub.stats().shards.every(({ connections }) => connections === 0));
  for (let i = 0; i < 6; i++) await WsClient.connect(hub.wsUrl);
  expect(hub.stats().shards.map(({ connections }) => connections)).toEqual([3, 3]);
});

test('a function sees the request, with the subprotocol, and the data of the upgrade hook', async () => {
  const seen: unknown[] = [];
  const { hub } = await startHub({
    handler,
    subprotocols: ['v1'],
    upgrade: async () => ({ data: { game: onSecond } }),
    affinity: (request, data) => {
      seen.push([request.path, request.subprotocol, data]);
      return (data as { game: string }).game;
    },
  });
  for (let i = 0; i < 3; i++) {
    const client = await WsClient.connect(hub.wsUrl, { protocols: ['v1'] });
    expect(await client.ask('where')).toBe('1');
  }
  expect(seen).toEqual(Array.from({ length: 3 }, () => ['/ws', 'v1', { game: onSecond }]));
});

test('a worker that is replaced keeps its keys', async () => {
  const { hub } = await startHub({ handler, affinity: 'query:room' });
  const url = `${hub.wsUrl}?room=${onSecond}`;
  const [kept, victim] = [await WsClient.connect(url), await WsClient.connect(url)];
  const thread = await kept.ask('thread');
  victim.send('exit');
  await victim.closed;
  expect(await kept.ask('where')).toBe('1');
  const late = await WsClient.connect(url);
  expect(await late.ask('where')).toBe('1');
  expect(await late.ask('thread')).toBe(await kept.ask('thread'));
  expect(await late.ask('thread')).not.toBe(thread);
});

test('keys of a worker that rests are refused with 503; others are served', async () => {
  const { hub } = await startHub({
    handler,
    affinity: 'query:room',
    maxRestarts: 0,
    restartPauseMs: FOREVER,
  });
  const victim = await WsClient.connect(`${hub.wsUrl}?room=${onFirst}`);
  victim.send('exit');
  await until('the shard to rest', () => hub.stats().shards[0]!.state === 'resting');
  const refused = await tryHandshake(hub.port, { path: `/ws?room=${onFirst}` });
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  expect((await echo(`${hub.url}/echo?room=${onFirst}`)).status).toBe(503);
  expect(counted(hub.stats().rejected)).toEqual({ overloaded: 2 });
  const other = await WsClient.connect(`${hub.wsUrl}?room=${onSecond}`);
  expect(await other.ask('where')).toBe('1');
  expect(await (await WsClient.connect(hub.wsUrl)).ask('where')).toBe('1');
});

test.each<[string, AffinityHook, RegExp]>([
  [
    'throws',
    () => {
      throw new Error('no key today');
    },
    /no key today/,
  ],
  ['returns a number', () => 7 as never, /affinity returned 7 but takes a string or undefined/],
  ['returns null', () => null as never, /affinity returned null/],
  ['is async', (async () => 'room') as never, /affinity returned a promise/],
  [
    'is async and throws',
    (async () => {
      throw new Error('later');
    }) as never,
    /affinity returned a promise/,
  ],
])('one that %s is a 500, counted and logged, and costs nobody else', async (_, bad, message) => {
  let isBad = true;
  const { hub, log } = await startHub({ handler, affinity: (...args) => (isBad ? bad(...args) : 'x') });
  const errors: Error[] = [];
  hub.on('error', (error) => errors.push(error));
  expect((await tryHandshake(hub.port)).status).toBe(500);
  const answer = await post(hub.url, 'where');
  expect(answer.status).toBe(500);
  expect(answer.body.toString()).not.toMatch(message);
  expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-error': 2 });
  expect(errors.map((error) => error.message)).toEqual([
    expect.stringMatching(message),
    expect.stringMatching(message),
  ]);
  expect(log.map(({ level }) => level)).toEqual(['error', 'error']);
  isBad = false;
  const client = await WsClient.connect(hub.wsUrl);
  expect(await client.ask('where')).toBe(String(shardOfKey('x', 2)));
});

test('POST /echo goes where its key belongs', async () => {
  const { hub } = await startHub({ handler, affinity: 'query:room' });
  for (const room of rooms) {
    const { body } = await echo(`${hub.url}/echo?room=${room}`);
    expect(body.toString()).toBe(String(shardOfKey(room, 2)));
  }
});

test('the function knows the type of the data', () => {
  expectTypeOf<AffinityHook<{ id: string }>>().parameter(1).toEqualTypeOf<{ id: string }>();
});
