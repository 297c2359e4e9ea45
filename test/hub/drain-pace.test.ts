/** How a drain spares the other hubs: a delay in which it still serves, a pace, a random order, and a word on when to come back. */
import { expect, onTestFinished, test } from 'vitest';
import { closeAtPace, DrainTime } from '../../src/hub/drain.js';
import { Barriers } from '../support/barriers.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';

const AN_HOUR_MS = 3_600_000;

test('while it is delayed it serves as before, and /readyz says 503; to hurry ends the delay', async () => {
  const { hub } = await startHub({ drainDelayMs: AN_HOUR_MS, drainTimeoutMs: AN_HOUR_MS });
  const before = await WsClient.connect(hub.wsUrl);
  const closing = hub.close();
  expect(hub.state).toBe('draining');
  const readyz = await fetch(`${hub.url}/readyz`);
  expect([readyz.status, await readyz.text()]).toEqual([503, 'draining\n']);
  expect((await fetch(`${hub.url}/echo`, { method: 'POST', body: 'x' })).status).toBe(200);
  const during = await WsClient.connect(hub.wsUrl);
  for (const client of [before, during]) expect(await client.ask('hello')).toBe('hello');
  expect(hub.close({ timeoutMs: 10_000 })).toBe(closing);
  await closing;
  for (const client of [before, during]) expect((await client.closed).code).toBe(1001);
});

test('idle connections close first, and a busy one goes on until its turn', async () => {
  const { hub } = await startHub({ handler: fixture('gates.mjs') });
  const barriers = new Barriers();
  const [busy, ...idle] = await connectMany(barriers.url(hub.wsUrl), 4);
  busy!.send('wait');
  await barriers.waitFor('waiting');
  const closing = hub.close({ timeoutMs: AN_HOUR_MS });
  for (const client of idle) expect((await client.closed).code).toBe(1001);
  barriers.lift('release');
  expect(await busy!.nextText()).toBe('waited');
  expect((await busy!.closed).code).toBe(1001);
  await closing;
});

test('each connection is told another time to come back', async () => {
  const { hub } = await startHub({ drainRetryMs: 1_000_000 });
  const clients = await connectMany(hub.wsUrl, 3);
  await hub.close({ code: 1012 });
  const reasons = await Promise.all(clients.map(async ({ closed }) => (await closed).reason));
  const waits = reasons.map((reason) => Number(/^the server restarts: retry in (\d+) ms$/.exec(reason)?.[1]));
  for (const wait of waits) expect(wait).toBeLessThanOrEqual(1_000_000);
  expect(new Set(waits).size).toBe(3);
});

interface Peer {
  readonly id: number;
  isOpen: boolean;
  readonly inFlight: number;
  readonly bufferedBytes: number;
}

/** Closes so many connections, and returns their ids with the time at which each was closed, in ms. */
async function closeAll(peers: Peer[], perSecond: number | 'auto', timeoutMs: number) {
  const time = new DrainTime(timeoutMs);
  onTestFinished(() => time.end());
  const closed: { id: number; at: number }[] = [];
  const startedAt = performance.now();
  await closeAtPace([...peers], perSecond, time, (peer) => {
    peer.isOpen = false;
    closed.push({ id: peer.id, at: performance.now() - startedAt });
  });
  return closed;
}

const peers = (count: number, busy = (_: number) => false): Peer[] =>
  Array.from({ length: count }, (_, id) => ({
    id,
    isOpen: true,
    inFlight: busy(id) ? 1 : 0,
    bufferedBytes: 0,
  }));

test.each([
  ['as many a second as it is told', 50, 12, 20],
  ['auto: at least 100 a second', 'auto', 12, 10],
] as const)('none is closed before its time: %s', async (_, perSecond, count, everyMs) => {
  const closed = await closeAll(peers(count), perSecond, AN_HOUR_MS);
  for (const [i, { at }] of closed.entries()) expect(at).toBeGreaterThanOrEqual((i - 1) * everyMs);
});

test('the order is random, idle ones come first, and what is closed already is left out', async () => {
  const all = peers(200, (id) => id % 2 === 1);
  all[0]!.isOpen = false;
  const ids = (await closeAll(all, 1_000_000, AN_HOUR_MS)).map(({ id }) => id);
  expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 199 }, (_, i) => i + 1));
  expect(ids.slice(0, 99).every((id) => id % 2 === 0)).toBe(true);
  expect(ids).not.toEqual([...ids].sort((a, b) => (a % 2) - (b % 2) || a - b));
});

test('a pace that would not do is raised, so that all are closed in time', async () => {
  const closed = await closeAll(peers(4000), 1, 2000);
  expect(closed.length).toBe(4000);
  expect(closed.filter(({ at }) => at < 1500).length).toBeGreaterThan(100);
});
