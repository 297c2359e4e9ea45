/** What one connection may send per second: messages, bytes, and what it may save up. More is closed with 1008. */
import type { HubOptions } from 'shardhub';
import { expect, test } from 'vitest';
import { connectMany, type WsClient } from '../../support/clients/ws-client.js';
import { startHub } from '../../support/servers/hubs.js';

/** So slow that nothing comes back within a test: what passes is the burst alone. */
const SLOW = 1 / 3600;

test.each<[string, NonNullable<HubOptions['rateLimit']>, string, number]>([
  ['messages', { messages: 5 * SLOW, burst: 3600 }, 'm', 5],
  ['at least one message', { messages: SLOW }, 'm', 1],
  ['bytes', { bytes: 1000 * SLOW, burst: 3600 }, 'x'.repeat(200), 5],
  [
    'both, whichever comes first',
    { messages: 50 * SLOW, bytes: 450 * SLOW, burst: 3600 },
    'x'.repeat(150),
    3,
  ],
])(
  '%s: the burst passes, one more is closed with 1008, others are not',
  async (_name, rateLimit, message, burst) => {
    const { hub } = await startHub({ rateLimit });
    const [client, other] = (await connectMany(hub.wsUrl, 2)) as [WsClient, WsClient];
    for (let i = 0; i < burst; i++) expect(await client.ask(message)).toBe(message);
    client.send(message);
    expect(await client.closed).toEqual({ code: 1008, reason: 'rate limit' });
    expect(await other.ask('mine')).toBe('mine');
    expect(hub.stats()).toMatchObject({
      invalid: { 'rate-limit': 1 },
      messages: { received: burst + 1 },
      connections: { open: 1, closed: { 1008: 1 } },
      shed: 0,
    });
  },
);

test('replies to what passed arrive before the close', async () => {
  const { hub } = await startHub({ rateLimit: { messages: 5 * SLOW, burst: 3600 } });
  const [client] = (await connectMany(hub.wsUrl, 1)) as [WsClient];
  for (let i = 0; i < 5; i++) expect(await client.ask(`${i}`)).toBe(`${i}`);
  for (let i = 0; i < 100; i++) client.send('more');
  expect(await client.closed).toMatchObject({ code: 1008 });
  expect(hub.stats().invalid['rate-limit']).toBe(1);
});

test('tokens come back: a client that keeps to the limit is never closed', async () => {
  const { hub } = await startHub({ rateLimit: { messages: 200 } });
  const [client] = (await connectMany(hub.wsUrl, 1)) as [WsClient];
  // A whole burst, then one for each 10 ms that really passed: half of what is allowed.
  for (let i = 0; i < 200; i++) client.send('burst');
  await client.collect(200);
  let last = performance.now();
  for (let i = 0; i < 20; last = performance.now(), i++) {
    while (performance.now() - last < 10) await new Promise((resolve) => setImmediate(resolve));
    expect(await client.ask(`${i}`)).toBe(`${i}`);
  }
  expect(hub.stats()).toMatchObject({ invalid: { 'rate-limit': 0 }, connections: { open: 1 } });
});

test.each(['ping', 'pong'] as const)('each %s counts, beside the messages', async (kind) => {
  const { hub } = await startHub({ rateLimit: { messages: 20 * SLOW, burst: 3600 } });
  const [client, other] = (await connectMany(hub.wsUrl, 2)) as [WsClient, WsClient];
  for (let i = 0; i < 20; i++) expect(await client.ask('m')).toBe('m');
  for (let i = 0; i < 100; i++) client.socket[kind]();
  expect(await client.closed).toEqual({ code: 1008, reason: 'rate limit' });
  expect(await other.ask('mine')).toBe('mine');
  expect(hub.stats()).toMatchObject({ invalid: { 'rate-limit': 1 }, shed: 0 });
});

test('the pongs that the application asks for do not count', async () => {
  const { hub } = await startHub({ rateLimit: { messages: SLOW } });
  const [client] = (await connectMany(hub.wsUrl, 1)) as [WsClient];
  const [connection] = hub.connections();
  for (let i = 0; i < 50; i++) await connection!.ping();
  expect(await client.ask('m')).toBe('m');
});
