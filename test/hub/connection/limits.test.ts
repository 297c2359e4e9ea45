/** Bounds on what is in flight: per connection in messages and bytes, and for the whole process. */

import type { Hub, HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const KIB = 1024;

async function start(options: HubOptions, count: number) {
  const { hub } = await startHub({ handler: fixture('gates.mjs'), ...options });
  const barriers = new Barriers();
  const clients = await connectMany(barriers.url(hub.wsUrl), count);
  return { hub, barriers, clients };
}

/** Makes a connection wait in its handler, so that all it sends from here on stays in flight. */
async function hold(barriers: Barriers, clients: WsClient[]): Promise<void> {
  const before = barriers.reached('waiting');
  for (const client of clients) client.send('wait');
  await barriers.waitFor('waiting', before + clients.length);
}

async function received(hub: Hub, count: number): Promise<void> {
  await until(
    () => `${count} messages (there are ${hub.stats().messages.received})`,
    () => hub.stats().messages.received === count,
  );
}

describe('one connection over its own bound', () => {
  test.each<[string, HubOptions, string | Buffer]>([
    ['maxInFlight', { maxInFlight: 10 }, 'm'],
    ['maxInFlightBytesPerConnection', { maxInFlightBytesPerConnection: 9 * KIB + 4 }, Buffer.alloc(KIB)],
  ])('%s: closed with 1013; one at the bound is not', async (_name, options, message) => {
    const { hub, barriers, clients } = await start({ overload: 'shed', ...options }, 3);
    const [over, at, bystander] = clients as [WsClient, WsClient, WsClient];
    await hold(barriers, [over, at]);
    for (const client of [over, at]) for (let i = 0; i < 9; i++) client.send(message);
    await received(hub, 20);
    expect(hub.stats()).toMatchObject({ shed: 0, connections: { open: 3 }, messages: { inFlight: 20 } });
    over.send(message);
    expect(await over.closed).toEqual({ code: 1013, reason: 'too many messages in flight' });
    expect(await bystander.ask('unharmed')).toBe('unharmed');
    barriers.lift('release');
    expect(await at.nextText()).toBe('waited');
    expect(await at.collect(9)).toHaveLength(9);
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats()).toMatchObject({
      shed: 1,
      dropped: { overload: 1 },
      connections: { open: 2, closed: { 1013: 1 } },
      messages: { received: 21, inFlightBytes: 0 },
    });
  });

  test.each<[string, HubOptions, string | Buffer]>([
    ['maxInFlight', { maxInFlight: 10 }, 'm'],
    ['maxInFlightBytesPerConnection', { maxInFlightBytesPerConnection: 9 * KIB + 4 }, Buffer.alloc(KIB)],
  ])(
    '%s with overload: drop is dropped and counted, and nobody is closed',
    async (_name, options, message) => {
      const { hub, barriers, clients } = await start({ ...options, overload: 'drop' }, 2);
      const [over, bystander] = clients as [WsClient, WsClient];
      await hold(barriers, [over]);
      for (let i = 0; i < 9 + 25; i++) over.send(message);
      await until('25 to be dropped', () => hub.stats().dropped.overload === 25);
      expect(await bystander.ask('unharmed')).toBe('unharmed');
      barriers.lift('release');
      expect(await over.nextText()).toBe('waited');
      expect(await over.collect(9)).toHaveLength(9);
      expect(await over.ask('and again')).toBe('and again');
      expect(hub.stats()).toMatchObject({
        shed: 0,
        connections: { open: 2, closed: {} },
        dropped: { overload: 25 },
      });
    },
  );

  test('one message always fits, however large; and the greeting of `open` is no message', async () => {
    const { hub } = await startHub({
      handler: fixture('hooks.mjs'),
      maxInFlightBytesPerConnection: 10,
      maxInFlight: 1,
    });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    client.send('x'.repeat(100));
    await client.next();
    expect(hub.stats()).toMatchObject({ shed: 0, dropped: { overload: 0 } });
  });
});

describe('the process over maxInFlightBytes', () => {
  const bound = 400 * KIB;

  test('sheds the heaviest connection with 1013, and nobody else', async () => {
    const { hub, barriers, clients } = await start({ maxInFlightBytes: bound, overload: 'shed' }, 5);
    const [light, heavy, middle, last, bystander] = clients as [
      WsClient,
      WsClient,
      WsClient,
      WsClient,
      WsClient,
    ];
    await hold(barriers, [light, heavy, middle, last]);
    light.send(Buffer.alloc(50 * KIB));
    heavy.send(Buffer.alloc(200 * KIB));
    middle.send(Buffer.alloc(100 * KIB));
    await received(hub, 7);
    expect(hub.stats()).toMatchObject({ shed: 0, connections: { open: 5 } });
    last.send(Buffer.alloc(60 * KIB));
    expect(await heavy.closed).toMatchObject({ code: 1013 });
    for (let i = 0; i < 20; i++) expect(await bystander.ask(`unharmed ${i}`)).toBe(`unharmed ${i}`);
    barriers.lift('release');
    for (const [client, size] of [
      [light, 50],
      [middle, 100],
      [last, 60],
    ] as const) {
      expect(await client.nextText()).toBe('waited');
      expect((await client.next()).data).toHaveLength(size * KIB);
    }
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats()).toMatchObject({
      shed: 1,
      connections: { open: 4, closed: { 1013: 1 } },
      messages: { inFlightBytes: 0 },
    });
  });

  test('with overload: drop, drops what does not fit, whoever sends it, and closes nobody', async () => {
    const { hub, barriers, clients } = await start({ maxInFlightBytes: bound, overload: 'drop' }, 3);
    const [heavy, small, bystander] = clients as [WsClient, WsClient, WsClient];
    await hold(barriers, [heavy]);
    for (let i = 0; i < 5; i++) heavy.send(Buffer.alloc(90 * KIB));
    await until('one to be dropped', () => hub.stats().dropped.overload === 1);
    small.send(Buffer.alloc(50 * KIB));
    await until('another to be dropped', () => hub.stats().dropped.overload === 2);
    expect(await bystander.ask('unharmed')).toBe('unharmed');
    barriers.lift('release');
    expect(await heavy.nextText()).toBe('waited');
    expect(await heavy.collect(4)).toHaveLength(4);
    small.send(Buffer.alloc(50 * KIB));
    expect((await small.next()).data).toHaveLength(50 * KIB);
    expect(hub.stats()).toMatchObject({
      shed: 0,
      connections: { open: 3, closed: {} },
      dropped: { overload: 2 },
    });
  });
});
