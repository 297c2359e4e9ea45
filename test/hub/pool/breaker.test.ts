/** A worker that dies too often: its shard rests for a while, the others serve, and it comes back. */
import type { Hub, HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { fetchRaw, post } from '../../support/clients/http-client.js';
import { tryHandshake } from '../../support/clients/raw-client.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

/** A pause that no test sees the end of, and one that is over soon. */
const FOREVER = 86_400_000;
const SOON = 50;

async function setUp(options: HubOptions) {
  const { hub } = await startHub({ handler: fixture('deaths.mjs'), ...options });
  const events: [name: 'exit' | 'restart' | 'rest', shard: number, at: number][] = [];
  hub.on('workerExit', ({ shard }) => events.push(['exit', shard, performance.now()]));
  hub.on('workerRestart', ({ shard }) => events.push(['restart', shard, performance.now()]));
  hub.on('workerRest', ({ shard }) => events.push(['rest', shard, performance.now()]));
  const count = (name: string) => events.filter((event) => event[0] === name).length;
  return { hub, events, count };
}

async function readyz(hub: Hub): Promise<{ status: number; body: string }> {
  const { status, body } = await fetchRaw(`${hub.url}/readyz`);
  return { status, body: body.toString() };
}

async function die(client: WsClient): Promise<void> {
  client.send('exit');
  expect((await client.closed).code).toBe(1011);
}

describe.each([0, 1])('too many deaths of shard %i', (shard) => {
  test('it rests: its connections get 1013, and the other shard serves', async () => {
    const { hub, count } = await setUp({ maxRestarts: 1, restartPauseMs: FOREVER });
    const rests: object[] = [];
    hub.on('workerRest', (event) => rests.push(event));
    const clients = await connectOnShards(hub, 4);
    const healthy = clients[shard === 0 ? 1 : 0].slice(0, 2);
    for (const surplus of clients[shard === 0 ? 1 : 0].slice(2)) await surplus.close();
    const [first, second, ...kept] = clients[shard] as [WsClient, WsClient, ...WsClient[]];

    await die(first);
    for (const client of kept) expect(await client.ask('restarted')).toBe('true 1');
    expect(rests).toEqual([]);
    expect(await readyz(hub)).toEqual({ status: 200, body: 'ready\n' });

    await die(second);
    for (const client of kept) {
      const { code, reason } = await client.closed;
      expect(code).toBe(1013);
      expect(reason).toMatch(/\S/);
    }
    expect(rests).toEqual([{ shard, pauseMs: FOREVER }]);
    expect(hub.stats().shards[shard]).toMatchObject({ state: 'resting', connections: 0, restarts: 1 });
    expect(hub.stats().shards[1 - shard]).toMatchObject({ state: 'up', connections: 2, restarts: 0 });
    const { status, body } = await readyz(hub);
    expect(status).toBe(200);
    expect(body).toMatch(new RegExp(`^ready, .*\\brest\\b.*: ${shard}\n$`));

    const late = await connectMany(hub.wsUrl, 3);
    for (const client of [...healthy, ...late]) expect(await client.ask('restarted')).toBe('false 1');
    expect((await post(hub.url, 'by http')).body.toString()).toBe('by http');
    expect(hub.stats().shards.map(({ connections }) => connections)).toEqual(shard === 0 ? [0, 5] : [5, 0]);
    expect(hub.stats()).toMatchObject({
      crashed: 2,
      workerExits: 2,
      workerRestarts: 1,
      connections: { open: 5, closed: { 1011: 2, 1013: kept.length } },
    });
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect([count('exit'), count('restart'), count('rest')]).toEqual([2, 1, 1]);

    // A rest is no reason to wait.
    await hub.close();
    for (const client of [...healthy, ...late]) expect((await client.closed).code).toBe(1001);
  });

  test('it comes back after the pause, with a count that starts over', async () => {
    const { hub, events, count } = await setUp({ maxRestarts: 1, restartPauseMs: SOON });
    const clients = await connectOnShards(hub, 3);
    const healthy = clients[1 - shard]!;
    const [first, second, kept] = clients[shard] as [WsClient, WsClient, WsClient];
    await die(first);
    expect(await kept.ask('restarted')).toBe('true 1');
    await die(second);
    expect((await kept.closed).code).toBe(1013);
    await until('the shard to be up', () => hub.stats().shards[shard]!.state === 'up');
    await until('it to be ready', async () => (await readyz(hub)).body === 'ready\n');
    expect(events.map(([name, where]) => [name, where]).at(-1)).toEqual(['restart', shard]);
    const restedAt = events.find(([name]) => name === 'rest')![2];
    // A timer counts from the time at which the turn of the event loop began.
    expect(events.at(-1)![2] - restedAt).toBeGreaterThanOrEqual(SOON / 2);

    const again = (await connectOnShards(hub, 2))[shard] as [WsClient, WsClient];
    expect(await again[0].ask('restarted')).toBe('false 1');
    await die(again[0]);
    expect(await again[1].ask('restarted')).toBe('true 1');
    for (const client of healthy) expect(await client.ask('restarted')).toBe('false 1');
    expect([count('exit'), count('restart'), count('rest')]).toEqual([3, 3, 1]);
  });
});

test('what a connection had sent and nobody had begun is counted when its shard rests', async () => {
  const { hub } = await setUp({ maxRestarts: 0, restartPauseMs: FOREVER });
  const barriers = new Barriers();
  const [holder, poisoned, kept] = (await connectOnShards(hub, 3, barriers.url(hub.wsUrl)))[0] as WsClient[];
  holder!.send('hold');
  await barriers.waitFor('holding');
  for (const [client, texts] of [
    [poisoned!, ['exit']],
    [kept!, ['note 1', 'note 2']],
  ] as const) {
    const before = hub.stats().messages.received;
    for (const text of texts) client.send(text);
    await until('them to be accepted', () => hub.stats().messages.received === before + texts.length);
  }
  barriers.lift('release');
  expect(await holder!.nextText()).toBe('held');
  expect((await poisoned!.closed).code).toBe(1011);
  for (const client of [holder!, kept!]) expect((await client.closed).code).toBe(1013);
  expect(kept!.waiting).toBe(0);
  expect(barriers.notes('seen')).toEqual([]);
  expect(hub.stats()).toMatchObject({
    crashed: 1,
    dropped: { 'connection-gone': 2 },
    messages: { inFlight: 0, inFlightBytes: 0 },
  });
});

test('deaths that are further apart than the window do not add up', async () => {
  // Between two deaths a thread starts, which takes longer than the window on any machine.
  const { hub, count } = await setUp({ maxRestarts: 1, restartWindowMs: 1, restartPauseMs: FOREVER });
  const [kept, ...poisoned] = (await connectOnShards(hub, 5))[0] as [WsClient, ...WsClient[]];
  for (const client of poisoned.slice(0, 4)) {
    await die(client);
    expect(await kept.ask('restarted')).toBe('true 1');
  }
  expect([count('exit'), count('restart'), count('rest')]).toEqual([4, 4, 0]);
});

describe('when every shard rests', () => {
  test('everything that needs a worker gets 503', async () => {
    const { hub } = await setUp({ workers: 1, maxRestarts: 0, restartPauseMs: FOREVER });
    await die(await WsClient.connect(hub.wsUrl));
    expect(hub.stats().shards).toMatchObject([{ state: 'resting', connections: 0 }]);
    expect(hub.stats().rejected.overloaded).toBe(0);
    for (let i = 1; i <= 2; i++) {
      const { status, headers, body } = await tryHandshake(hub.port);
      expect(status).toBe(503);
      expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
      expect(body).toMatch(/^[A-Z].*\.\n$/);
      expect(hub.stats().rejected.overloaded).toBe(i);
    }
    const echo = await post(hub.url, 'hello');
    expect(echo.status).toBe(503);
    expect(echo.message.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(hub.stats()).toMatchObject({ rejected: { overloaded: 3 }, messages: { received: 1 } });
    expect((await readyz(hub)).status).toBe(503);
    expect((await fetchRaw(`${hub.url}/healthz`)).status).toBe(200);
    expect((await fetchRaw(`${hub.url}/stats`)).status).toBe(200);
    expect(hub.stats()).toMatchObject({ workerExits: 1, workerRestarts: 0, connections: { open: 0 } });
  });

  test('it serves again after the pause', async () => {
    const { hub, count } = await setUp({ workers: 1, maxRestarts: 0, restartPauseMs: SOON });
    await die(await WsClient.connect(hub.wsUrl));
    await until('the shard to be up', () => hub.stats().shards[0]!.state === 'up');
    expect(await readyz(hub)).toEqual({ status: 200, body: 'ready\n' });
    const client = await WsClient.connect(hub.wsUrl);
    expect(await client.ask('restarted')).toBe('false 1');
    expect((await post(hub.url, 'by http')).body.toString()).toBe('by http');
    expect([count('exit'), count('restart'), count('rest')]).toEqual([1, 1, 1]);
  });
});
