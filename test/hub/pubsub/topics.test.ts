/** Topics: who gets what is published, in which order, and what happens to those who do not keep up. */
import { type Hub, HubError } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { fillUp } from '../../../src/testing/fill-up.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { counted } from '../../support/counters.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const handler = fixture('topics.mjs');

async function subscribe(clients: WsClient[], topic: string): Promise<void> {
  for (const client of clients) expect(await client.ask(`subscribe ${topic}`)).toBe(`subscribed ${topic}`);
}

/** A client that is subscribed, does not read, and has filled what lies between it and its queue. */
async function stalledSubscriber(hub: Hub, topic: string): Promise<RawClient> {
  const client = await RawClient.open(hub.port);
  const before = hub.topics().get(topic) ?? 0;
  client.text(`subscribe ${topic}`);
  await until('the subscription', () => hub.topics().get(topic) === before + 1);
  await client.nextFrame();
  client.pause();
  await fillUp([...hub.connections({ topic })].at(-1)!);
  return client;
}

describe.each([2, 0])('with %i workers', (workers) => {
  test('a publish reaches every subscriber but the publisher, whatever their worker', async () => {
    const { hub } = await startHub({ handler, workers });
    const clients = await connectMany(hub.wsUrl, 5);
    await subscribe(clients, 'news');
    expect(hub.topics()).toEqual(new Map([['news', 5]]));
    clients[0]!.send('publish news one');
    clients[0]!.send('publish-self news two');
    expect(await clients[0]!.nextText()).toBe('two');
    for (const client of clients.slice(1)) expect(await client.collectTexts(2)).toEqual(['one', 'two']);
    expect(hub.stats().topics).toEqual({ published: 2, deliveries: 9 });
  });

  test('binary stays binary, and nobody gets what is published on another topic', async () => {
    const { hub } = await startHub({ handler, workers });
    const [publisher, bytes, other] = await connectMany(hub.wsUrl, 3);
    await subscribe([bytes!], 'bytes');
    await subscribe([other!], 'other');
    publisher!.send(Buffer.from([1, 2, 3]));
    expect(await bytes!.next()).toEqual({ data: Buffer.from([1, 2, 3]), isBinary: true });
    expect(await other!.ask('still alone')).toBe('still alone');
  });

  test('replies and published messages arrive in the order in which they were made', async () => {
    const { hub } = await startHub({ handler, workers });
    const client = await WsClient.connect(hub.wsUrl);
    await subscribe([client], 'mixed');
    client.send('mix mixed 2000');
    const texts = await client.collectTexts(2000);
    expect(texts).toEqual(Array.from({ length: 2000 }, (_, i) => String(i)));
  });

  test('what hub.publish and conn.send say interleaves in the order of the calls', async () => {
    const { hub } = await startHub({ handler, workers });
    const client = await WsClient.connect(hub.wsUrl);
    await subscribe([client], 'a');
    await subscribe([client], 'b');
    const [connection] = [...hub.connections()];
    for (let i = 0; i < 300; i += 3) {
      hub.publish('a', String(i));
      connection!.send(String(i + 1));
      hub.publish('b', String(i + 2));
    }
    expect(await client.collectTexts(300)).toEqual(Array.from({ length: 300 }, (_, i) => String(i)));
  });

  test('a subscription ends with unsubscribe and with its connection', async () => {
    const { hub } = await startHub({ handler, workers });
    const [stays, leaves] = await connectMany(hub.wsUrl, 2);
    await subscribe([stays!, leaves!], 'news');
    expect(await stays!.ask('unsubscribe news')).toBe('unsubscribed news');
    expect(hub.topics()).toEqual(new Map([['news', 1]]));
    await leaves!.close();
    await until('the topic to be gone', () => hub.topics().size === 0);
    expect(hub.publish('news', 'to nobody')).toBe(0);
  });

  test('a connection that is gone publishes from its hook close', async () => {
    const { hub } = await startHub({ handler, workers });
    const [left, stays] = await connectMany(hub.wsUrl, 2);
    await subscribe([left!, stays!], 'room');
    left!.send('farewell room');
    await left!.close();
    expect(await stays!.nextText()).toBe('farewell');
    expect(hub.topics()).toEqual(new Map([['room', 1]]));
  });

  test('a topic with a bad name is refused, in the worker and on the I/O thread', async () => {
    const { hub } = await startHub({ handler, workers });
    const client = await WsClient.connect(hub.wsUrl);
    expect(await client.ask('bad-topic')).toBe('ERR_TOPIC');
    for (const topic of ['', 'é'.repeat(128), 7 as never]) {
      expect(() => hub.publish(topic, 'x')).toThrow(HubError);
      expect(() => hub.publish(topic, 'x')).toThrow(/a topic is a string of 1 to 255 bytes/);
    }
    expect(() => hub.publish('fine', {} as never)).toThrow(
      /a string, a Uint8Array or an ArrayBuffer, not {}/,
    );
  });
});

test('a message larger than the rings is published whole', async () => {
  const { hub } = await startHub({ handler, maxPayload: 8 * 1024 * 1024 });
  const [publisher, subscriber] = await connectMany(hub.wsUrl, 2);
  await subscribe([subscriber!], 'big');
  const text = 'x'.repeat(6 * 1024 * 1024);
  publisher!.send(`publish big ${text}`);
  expect((await subscriber!.nextText()) === text).toBe(true);
});

test('a subscription outlives the worker that made it', async () => {
  const { hub } = await startHub({ handler });
  const [subscriber, victim] = await connectMany(hub.wsUrl, 3);
  await subscribe([subscriber!], 'news');
  // Connections 0 and 2 share a shard, so the one that dies with its message is the third.
  const [, , third] = [subscriber, victim, ...(await connectMany(hub.wsUrl, 1))];
  for (const client of [victim!, third!]) client.send('die now');
  await until('both workers to be replaced', () => hub.stats().workerRestarts === 2);
  hub.publish('news', 'still here');
  expect(await subscriber!.nextText()).toBe('still here');
});

test('a connection over maxSubscriptions is closed with 1008 and counted', async () => {
  const { hub } = await startHub({ handler, maxSubscriptions: 2 });
  const client = await WsClient.connect(hub.wsUrl);
  await subscribe([client], 'a');
  await subscribe([client], 'b');
  await subscribe([client], 'a');
  client.send('subscribe c');
  expect(await client.closed).toEqual({ code: 1008, reason: 'over 2 subscriptions' });
  expect(counted(hub.stats().invalid)).toEqual({ subscriptions: 1 });
  expect(hub.topics().size).toBe(0);
});

test('`except` leaves out connections, ids, and lists of both', async () => {
  const { hub } = await startHub({ handler });
  const clients = await connectMany(hub.wsUrl, 3);
  await subscribe(clients, 'news');
  const [a, b] = [...hub.connections()];
  expect(hub.publish('news', '1', { except: a! })).toBe(2);
  expect(hub.publish('news', '2', { except: [a!.id, b!] })).toBe(1);
  expect(hub.publish('news', '3', { except: 'zz.zz' })).toBe(3);
  expect((await Promise.all(clients.map((client) => client.nextText()))).sort()).toEqual(['1', '1', '3']);
  for (const except of [7, null, {}, [7], [undefined]])
    expect(() => hub.publish('news', '4', { except: except as never })).toThrow(/^except got .* but takes a/);
});

test('a turn that publishes more than a queue holds costs no peer that keeps up', async () => {
  const { hub } = await startHub({ handler, maxQueueMessages: 10 });
  const clients = await connectMany(hub.wsUrl, 3);
  await subscribe(clients, 'burst');
  for (let i = 0; i < 500; i++) hub.publish('burst', String(i));
  const all = Array.from({ length: 500 }, (_, i) => String(i));
  for (const client of clients) expect(await client.collectTexts(500)).toEqual(all);
  expect(counted(hub.stats().dropped)).toEqual({});
});

describe('a slow subscriber', () => {
  test('is closed by the default policy when its queue is full, and nobody else notices', async () => {
    const { hub } = await startHub({ handler, maxQueueMessages: 20 });
    const healthy = await WsClient.connect(hub.wsUrl);
    await subscribe([healthy], 'news');
    await stalledSubscriber(hub, 'news');
    for (let i = 0; i < 30; i++) hub.publish('news', String(i));
    expect(await healthy.collectTexts(30)).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
    await until('the stalled one to be closed', () => hub.stats().connections.closed['1008'] === 1);
    expect(hub.topics()).toEqual(new Map([['news', 1]]));
    expect(hub.stats().outbound).toEqual({ queuedMessages: 0, queuedBytes: 0, engineBytes: 0 });
  });

  test('is told of once the message has gone to all: a listener that publishes comes behind it', async () => {
    const { hub } = await startHub({ handler, maxQueueMessages: 20 });
    for (let i = 0; i < 3; i++) await stalledSubscriber(hub, 'news');
    const healthy = await WsClient.connect(hub.wsUrl);
    await subscribe([healthy], 'news');
    let isPublishing = false;
    const seen: string[] = [];
    for (const event of ['shed', 'close'] as const) {
      hub.on(event, () => {
        seen.push(isPublishing ? `${event} inside a publish` : event);
        hub.publish('news', event);
      });
    }
    isPublishing = true;
    for (let i = 0; i <= 20; i++) hub.publish('news', String(i));
    isPublishing = false;
    const texts = await healthy.collectTexts(27);
    expect(texts.slice(0, 21)).toEqual(Array.from({ length: 21 }, (_, i) => String(i)));
    expect(seen).toEqual(['shed', 'close', 'shed', 'close', 'shed', 'close']);
    expect(texts.slice(21)).toEqual(seen);
    hub.removeAllListeners();
  });

  test('gets only the newest of each topic and key that conflates, behind what it was sent before', async () => {
    const { hub } = await startHub({ handler });
    const client = await stalledSubscriber(hub, 'prices');
    const [connection] = [...hub.connections()];
    connection!.send('before');
    for (let i = 0; i < 1000; i++) {
      hub.publish('prices', `gold ${i}`, { conflate: 'gold' });
      if (i % 2 === 0) hub.publish('prices', `tin ${i}`, { conflate: 'tin' });
    }
    hub.publish('prices', 'kept 1');
    hub.publish('prices', 'kept 2');
    connection!.send('after');
    expect(counted(hub.stats().dropped)).toEqual({ conflated: 999 + 499 });
    client.resume();
    const texts: string[] = [];
    while (texts.at(-1) !== 'after') {
      const frame = (await client.nextFrame())!;
      if (frame.opcode === 1) texts.push(frame.payload.toString());
    }
    expect(texts).toEqual(['before', 'tin 998', 'gold 999', 'kept 1', 'kept 2', 'after']);
    await until('the queue to be empty', () => hub.stats().outbound.queuedMessages === 0);
    expect(hub.stats().outbound.queuedBytes).toBe(0);
  });

  test('a topic conflates with itself and its key only, however they are written', async () => {
    const { hub } = await startHub({ handler });
    const client = await stalledSubscriber(hub, 'a');
    const [connection] = [...hub.connections()];
    const published: [topic: string, conflate: string | true][] = [
      ['a', 'b\0c'],
      ['a\0b', 'c'],
      ['a\0b\0c', true],
      ['a', true],
      ['a', ''],
      ['topic:a', true],
      ['1:a', true],
      ['1:', 'a'],
    ];
    for (const [topic] of published) connection!.subscribe(topic);
    for (const [i, [topic, conflate]] of published.entries()) hub.publish(topic, String(i), { conflate });
    expect(counted(hub.stats().dropped)).toEqual({});
    client.resume();
    const texts: string[] = [];
    while (texts.length < published.length) {
      const frame = (await client.nextFrame())!;
      if (frame.opcode === 1) texts.push(frame.payload.toString());
    }
    expect(texts).toEqual(published.map((_, i) => String(i)));
  });

  test('gets only the newest of what handlers publish so, from whatever worker', async () => {
    const { hub } = await startHub({ handler });
    const slow = await stalledSubscriber(hub, 'prices');
    const publishers = await connectMany(hub.wsUrl, 2);
    expect(hub.stats().shards.every(({ connections }) => connections > 0)).toBe(true);
    for (let i = 0; i < 50; i++) {
      for (const word of ['gold', 'tin', 'any']) publishers[i % 2]!.send(`quote prices ${word} ${i}`);
      await publishers[i % 2]!.ask('done');
    }
    expect(counted(hub.stats().dropped)).toEqual({ conflated: 3 * 49 });
    slow.resume();
    const texts: string[] = [];
    while (texts.length < 3) {
      const frame = (await slow.nextFrame())!;
      if (frame.opcode === 1) texts.push(frame.payload.toString());
    }
    expect(texts).toEqual(['gold 49', 'tin 49', 'any 49']);
  });

  test('under the policy conflate, every topic conflates by itself', async () => {
    const { hub } = await startHub({ handler, slowConsumer: 'conflate', maxQueueMessages: 10 });
    const client = await stalledSubscriber(hub, 'prices');
    for (let i = 0; i < 200; i++) hub.publish('prices', String(i));
    client.resume();
    let last = '';
    while (last !== '199') {
      const frame = (await client.nextFrame())!;
      if (frame.opcode === 1) last = frame.payload.toString();
      if (last !== '') expect(last).toBe('199');
    }
  });

  test('a peer that keeps up gets every message that conflates', async () => {
    const { hub } = await startHub({ handler });
    const client = await WsClient.connect(hub.wsUrl);
    await subscribe([client], 'prices');
    for (let i = 0; i < 100; i++) hub.publish('prices', String(i), { conflate: true });
    expect(await client.collectTexts(100)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });

  test('a published message is counted once, however many queues hold it', async () => {
    const { hub } = await startHub({ handler });
    for (let i = 0; i < 3; i++) await stalledSubscriber(hub, 'news');
    const { queuedBytes, queuedMessages } = hub.stats().outbound;
    hub.publish('news', new Uint8Array(10_000));
    expect(hub.stats().outbound).toMatchObject({
      queuedMessages: queuedMessages + 3,
      queuedBytes: queuedBytes + 10_000,
    });
    for (const connection of hub.connections()) connection.close(1000, 'enough');
  });
});
