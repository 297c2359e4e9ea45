/** Order within a connection, whatever mix of sync and async work; and no waiting between connections. */

import { Prng } from 'shardhub/testing';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const WAYS = ['now', 'now', 'now', 'sync', 'micro', 'turn', 'timer', 'list', 'steps'];

describe.each([2, 1, 0])('workers: %i', (workers) => {
  test('replies leave in the order of the messages; a message starts when the previous one has finished', async () => {
    const { hub } = await startHub({ workers, handler: fixture('order.mjs') });
    const clients = await connectMany(hub.wsUrl, 20);
    const check = async (client: WsClient, seed: number) => {
      const random = new Prng(seed);
      const expected: string[] = [];
      for (let i = 0; i < 300; i++) {
        const way = random.pick(WAYS);
        client.send(`${way} ${i}`);
        expected.push(...(way === 'steps' || way === 'list' ? [`${i}a`, `${i}b`] : [`${i}`]));
        // Bursts of several sizes, so that messages meet both idle and busy connections.
        if (random.chance(0.1)) await until('some replies', () => client.waiting > i / 2);
      }
      expect(await client.collectTexts(expected.length)).toEqual(expected);
    };
    await Promise.all(clients.map(check));
    // A message of several replies is finished a moment after the last of them.
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats().messages).toMatchObject({ received: 6000, inFlightBytes: 0 });
  });

  test('a connection that waits holds up its own next message only', async () => {
    const { hub } = await startHub({ workers, handler: fixture('gates.mjs') });
    const barriers = new Barriers();
    const url = barriers.url(hub.wsUrl);
    const waiting = await connectMany(url, 4);
    const others = await connectMany(url, 4);
    for (const client of waiting) {
      client.send('wait');
      client.send('next');
    }
    await barriers.waitFor('waiting', waiting.length);
    // Three rounds, so that the replies cannot have travelled in the batch of the waiting messages alone.
    for (const round of ['a', 'b', 'c']) {
      expect(await Promise.all(others.map((client) => client.ask(round)))).toEqual(Array(4).fill(round));
    }
    expect(waiting.map((client) => client.waiting)).toEqual([0, 0, 0, 0]);
    barriers.lift('release');
    for (const client of waiting) expect(await client.collectTexts(2)).toEqual(['waited', 'next']);
  });

  test('send: before the reply, long after it, and very often', async () => {
    const { hub } = await startHub({ workers, handler: fixture('sends.mjs') });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    client.send('during');
    expect(await client.collectTexts(3)).toEqual(['sent 1', '\u0002', 'returned']);
    expect(await client.ask('later')).toBe('now');
    barriers.lift('release');
    expect(await client.collectTexts(2)).toEqual(['late 1', '\u0002']);
    client.send('many 5000');
    expect(await client.collectTexts(5000)).toEqual(Array.from({ length: 5000 }, (_, i) => `${i}`));
  });
});

test('a reply that is ready leaves while its worker is at work on a message of another connection', async () => {
  const { hub } = await startHub({ workers: 1, handler: fixture('gates.mjs') });
  for (let round = 0; round < 5; round++) {
    const barriers = new Barriers();
    const [quick, looping] = await connectMany(barriers.url(hub.wsUrl), 2);
    for (let i = 0; i < 500; i++) expect(await quick!.ask('warm up')).toBe('warm up');
    // In one batch, one behind the other.
    quick!.send('quick');
    looping!.send('loop');
    await barriers.waitFor('looping');
    expect(await quick!.nextText()).toBe('quick');
    barriers.lift('release');
    expect(await looping!.nextText()).toBe('looped');
  }
});

test('the same of messages that waited for an earlier one of their connection', async () => {
  const { hub } = await startHub({ workers: 1, handler: fixture('gates.mjs') });
  const barriers = new Barriers();
  const [quick, looping] = await connectMany(barriers.url(hub.wsUrl), 2);
  for (const client of [quick!, looping!]) client.send('gather');
  quick!.send('quick');
  looping!.send('loop');
  await barriers.waitFor('gathered', 2);
  barriers.lift('open');
  await barriers.waitFor('looping');
  expect(await quick!.collectTexts(2)).toEqual(['opened', 'quick']);
  barriers.lift('release');
  expect(await looping!.collectTexts(2)).toEqual(['opened', 'looped']);
});

// More than the 16 MiB that a worker has for them.
test.each([
  [60_000, 300],
  [1_000_000, 24],
])(
  'hooks that wait take no room: messages of %i bytes fill it once more, no reply comes',
  async (size, count) => {
    const { hub } = await startHub({ workers: 1, handler: fixture('deaths.mjs') });
    const barriers = new Barriers();
    const [holding, ...clients] = await connectMany(barriers.url(hub.wsUrl), 1 + count);
    holding!.send('hold');
    await barriers.waitFor('holding');
    for (const client of clients) client.send(`wait ${'x'.repeat(size)}`);
    await until('all messages to be there', () => hub.stats().messages.received === 1 + count);
    barriers.lift('release');
    await barriers.waitFor('waiting', count);
    barriers.lift('pass');
    for (const client of clients) expect(await client.nextText()).toHaveLength(size + 5);
  },
);
