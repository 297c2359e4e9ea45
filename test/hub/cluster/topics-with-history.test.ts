/** Topics with history in one hub: positions, history, and how subscribers resume. */
import type { Position } from 'shardhub';
import { Prng } from 'shardhub/testing';
import { describe, expect, test } from 'vitest';
import { ClusterClient } from '../../support/clients/cluster-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const handler = fixture('cluster.mjs');
const topics = {
  'chat:*': { history: { size: 50 } },
  'json:*': { history: { size: 50 }, envelope: 'json' },
  'plain-json': { envelope: 'json' },
  'news:*': { history: { size: 3 } },
} as const;

interface Subscribed extends Position {
  recovered: boolean;
  missed: number;
  publications: { offset: number; data: unknown }[];
}

describe.each([2, 0])('with %i workers', (workers) => {
  const start = async () => (await startHub({ handler, workers, topics })).hub;

  test('a publication has a position, from the hub and from a handler, and is in the history', async () => {
    const hub = await start();
    const client = await ClusterClient.connect(hub.wsUrl);
    const first = await hub.publish<Promise<Position>>('chat:1', 'one');
    const second = await client.call<Position>('publish', 'chat:1', 'two');
    const third = await client.callOnWorker<Position>('publish', 'chat:1', 'three');
    expect(new Set([first.epoch, second.epoch, third.epoch]).size).toBe(1);
    expect(first.offset < second.offset && second.offset < third.offset).toBe(true);
    const { epoch, offset } = third;
    const rest = { epoch, offset, recovered: true, hasMore: false };
    const [one, two, three] = [first, second, third].map((at, i) => ({
      offset: at.offset,
      data: ['one', 'two', 'three'][i],
    }));
    expect(await hub.history('chat:1')).toEqual({ publications: [one, two, three], ...rest });
    for (const call of ['call', 'callOnWorker'] as const)
      expect(await client[call]('history', 'chat:1', { since: first, limit: 1 })).toEqual({
        ...rest,
        publications: [two],
        hasMore: true,
      });
    const bytes = Uint8Array.from([1, 2, 255]);
    await hub.publish<Promise<Position>>('chat:2', bytes);
    expect(Buffer.from((await hub.history('chat:2')).publications[0]!.data as Uint8Array)).toEqual(
      Buffer.from(bytes),
    );
    // Again with the same id, because nobody knows of the first.
    const again = () => hub.publish<Promise<Position>>('chat:3', 'once', { id: 'a' });
    expect(await again()).toEqual(await again());
    expect((await hub.history('chat:3')).publications).toHaveLength(1);
  });

  test('who resumes gets what was missed and then what follows, without a gap or a repeat', async () => {
    const hub = await start();
    const random = new Prng(7);
    const positions: Position[] = [];
    let count = 0;
    const publish = async () =>
      positions.push(await hub.publish<Promise<Position>>('chat:busy', `${++count}`));
    for (let i = 0; i < 40; i++) await publish();
    const clients = await Promise.all(Array.from({ length: 30 }, () => ClusterClient.connect(hub.wsUrl)));
    const since = clients.map(() => random.int(0, 38));
    // Publications go on while they subscribe, so that some are on either side of each splice.
    let isDone = false;
    const publishing = (async () => {
      while (!isDone && count < 60) await publish();
      while (!isDone) await new Promise((resolve) => setImmediate(resolve));
    })();
    const results = await Promise.all(
      clients.map((client, i) =>
        client.call<Subscribed>('subscribe', 'chat:busy', { since: positions[since[i]!] }),
      ),
    );
    isDone = true;
    await publishing;
    for (let i = 0; i < 5; i++) await publish();
    for (const [i, client] of clients.entries()) {
      const { recovered, missed, offset } = results[i]!;
      // Fifty are kept: some may have been too late.
      const from = recovered ? since[i]! + 2 : positions.findIndex((at) => at.offset === offset) + 2;
      const expected = Array.from({ length: count - from + 1 }, (_, k) => `${from + k}`);
      await until('all', () => client.texts.length >= expected.length);
      expect(client.texts, `client ${i}`).toEqual(expected);
      if (recovered) expect(positions[since[i]! + missed]!.offset).toBe(offset);
    }
    expect(results.some(({ recovered }) => recovered)).toBe(true);
  });

  test('who cannot be caught up is told, and goes on from here', async () => {
    const hub = await start();
    const positions: Position[] = [];
    for (let i = 0; i < 6; i++) positions.push(await hub.publish<Promise<Position>>('news:1', `${i}`));
    const client = await ClusterClient.connect(hub.wsUrl);
    const lost = { recovered: false, missed: 0, publications: [], ...positions[5] };
    const foreign = { ...positions[5]!, epoch: 'another' };
    const ahead = { ...positions[5]!, offset: positions[5]!.offset + 7 };
    for (const since of [positions[0], foreign, ahead])
      expect(await client.call('subscribe', 'news:1', { since })).toEqual(lost);
    expect(await client.call('subscribe', 'news:1', { since: positions[2] })).toEqual({
      ...lost,
      recovered: true,
      missed: 3,
    });
    expect(await client.call('subscribe', 'news:1', {})).toEqual({ ...lost, recovered: true });
    hub.publish('news:1', 'live');
    await until('it', () => client.texts.length === 4);
    expect(client.texts).toEqual(['3', '4', '5', 'live']);
  });

  test('what was missed is taken by the handler where it asks for that', async () => {
    const hub = await start();
    const since = await hub.publish<Promise<Position>>('chat:1', 'seen');
    const missed = await hub.publish<Promise<Position>>('chat:1', 'missed');
    const client = await ClusterClient.connect(hub.wsUrl);
    expect(await client.call('subscribe', 'chat:1', { since, take: true })).toEqual({
      ...missed,
      recovered: true,
      missed: 1,
      publications: [{ offset: missed.offset, data: 'missed' }],
    });
    await hub.publish<Promise<Position>>('chat:1', 'live');
    await until('it', () => client.texts.length > 0);
    expect(client.texts).toEqual(['live']);
  });

  test('with an envelope, a client learns positions; the publisher is left out, live', async () => {
    const hub = await start();
    const [publisher, client] = [
      await ClusterClient.connect(hub.wsUrl),
      await ClusterClient.connect(hub.wsUrl),
    ];
    for (const one of [publisher, client]) await one.call('subscribe', 'json:1', {});
    const positions = [
      await publisher.call<Position>('publish', 'json:1', '{"a":[1]}'),
      await hub.publish<Promise<Position>>('json:1', 'text'),
      await hub.publish<Promise<Position>>('json:1', Buffer.from([1, 2])),
    ];
    const datas = [{ a: [1] }, 'text', { base64: 'AQI=' }];
    const frames = datas.map((data, i) => ({ topic: 'json:1', ...positions[i], data }));
    await until('three', () => client.texts.length === 3);
    expect(client.texts.map((text) => JSON.parse(text))).toEqual(frames);
    expect(publisher.texts.map((text) => JSON.parse(text))).toEqual(frames.slice(1));
    const late = await ClusterClient.connect(hub.wsUrl);
    await late.call('subscribe', 'json:1', { since: positions[0] });
    expect(late.texts.map((text) => JSON.parse(text))).toEqual(frames.slice(1));
    await client.call('subscribe', 'plain-json');
    hub.publish('plain-json', '7');
    await until('it', () => client.texts.length === 4);
    expect(JSON.parse(client.texts[3]!)).toEqual({ topic: 'plain-json', data: 7 });
  });

  test('what is asked wrongly is answered with what is right', async () => {
    const hub = await start();
    const client = await ClusterClient.connect(hub.wsUrl);
    const wrong: [string, unknown[], string, RegExp][] = [
      ['history', ['plain'], 'ERR_ARGUMENT', /"plain" has no history: the option topics/],
      ['subscribe', ['plain', {}], 'ERR_ARGUMENT', /"plain" has no history/],
      ['presence', ['plain'], 'ERR_ARGUMENT', /"plain" has no presence: the option topics/],
      [
        'history',
        ['chat:1', { limit: 0 }],
        'ERR_ARGUMENT',
        /limit got 0 but takes an integer from 1 to 10000/,
      ],
      ['subscribe', ['chat:1', { since: 7 }], 'ERR_ARGUMENT', /since got 7 but takes a position/],
      ['publish', ['chat:1', 'x', { id: '' }], 'ERR_ARGUMENT', /id takes a string of 1 to 200 bytes, not ""/],
      ['history', ['chat 1'], 'ERR_TOPIC', /here without spaces, control characters, \* and >, not "chat 1"/],
      ['disconnectUser', ['x', { code: 1006 }], 'ERR_CLOSE_ARGUMENT', /close got the code 1006/],
    ];
    for (const [call, args, code, message] of wrong)
      await expect(client.call(call, ...args)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    expect(() => hub.publish('a*', 'x')).toThrow(/without spaces, control characters/);
  });
});

test('a worker that dies costs nobody an answer but itself, and what it published is published', async () => {
  const { hub } = await startHub({ handler, workers: 1, topics });
  const [bystander, victim] = [
    await ClusterClient.connect(hub.wsUrl),
    await ClusterClient.connect(hub.wsUrl),
  ];
  await bystander.call('subscribe', 'chat:1', {});
  victim.crash(['publish', 'chat:1', 'last words'], ['history', 'chat:1'], ['presence', 'chat:1']);
  expect(await victim.client.closed).toMatchObject({ code: 1011 });
  await until('another worker', () => hub.stats().workerRestarts === 1);
  expect(bystander.texts).toEqual(['last words']);
  expect(await bystander.call('publish', 'chat:1', 'after', { toSelf: true })).toMatchObject({});
  await until('it', () => bystander.texts.length === 2);
  expect(hub.stats().messages).toMatchObject({ inFlight: 0, inFlightBytes: 0 });
});
