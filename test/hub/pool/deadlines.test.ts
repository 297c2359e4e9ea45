/** handlerTimeoutMs: a loop costs its thread and its own connection, a promise only its own connection. */
import { abandonedWorkers, type HubOptions } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HandlerTimeoutEvent } from '../../../src/api/events.js';
import { Barriers } from '../../support/barriers.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

async function setUp(options: HubOptions = {}) {
  const { hub, log } = await startHub({
    handler: fixture('deadlines.mjs'),
    handlerTimeoutMs: 200,
    ...options,
  });
  const barriers = new Barriers();
  const timeouts: HandlerTimeoutEvent[] = [];
  hub.on('handlerTimeout', (event) => timeouts.push(event));
  return { hub, log, barriers, timeouts, url: barriers.url(hub.wsUrl) };
}

describe('a loop', () => {
  test.each([
    'loop',
    'loop-after-await',
    'loop-in-timer',
    'microtasks',
    'loop-that-sends',
    'loop-that-sends-much',
    'loop-that-sends-now-and-then',
    'loop-that-publishes',
    'loop-that-subscribes',
    'microtasks-that-send',
    'timer-that-sends',
    'items-that-end-in-a-loop',
  ])('%s: its thread is replaced, its connection closed', async (way) => {
    // What it sends is no reason to close it.
    const { hub, timeouts, url } = await setUp({ slowConsumer: 'drop-newest' });
    const [[stuck, neighbour], [other]] = (await connectOnShards(hub, 2, url)) as [WsClient[], WsClient[]];
    expect(await neighbour!.ask('state')).toBe('1 false');
    stuck!.send(way);
    const { code, reason } = await stuck!.closed;
    expect(code).toBe(1011);
    expect(reason).toMatch(/\S/);
    expect(await neighbour!.ask('state')).toBe('1 true');
    expect(await other!.ask('state')).toBe('1 false');
    expect(timeouts).toEqual([{ shard: 0, kind: 'loop' }]);
    expect(hub.stats()).toMatchObject({
      handlerTimeouts: 1,
      workerExits: 1,
      workerRestarts: 1,
      crashed: 1,
    });
  });
});

/** One at a time takes less than a hook may take, all of them together longer. */
describe('hooks that get on', () => {
  test('messages and items that take their time, one after the other', async () => {
    const { hub, timeouts, url } = await setUp({ workers: 1, handlerTimeoutMs: 600 });
    const [a, b] = await connectMany(url, 2);
    for (let i = 0; i < 12; i++) a!.send('slow-message');
    b!.send('slow-items');
    expect(await a!.collectTexts(12)).toHaveLength(12);
    expect((await b!.collectTexts(17)).at(-1)).toBe('last');
    expect(timeouts).toEqual([]);
    expect(hub.stats().workerExits).toBe(0);
  });

  test('promises that are settled in one turn of the event loop', async () => {
    const { hub, barriers, timeouts, url } = await setUp({ workers: 1, handlerTimeoutMs: 600 });
    const clients = await connectMany(url, 20);
    for (const client of clients) client.send('slow-after-await');
    await barriers.waitFor('together', clients.length);
    barriers.lift('pass');
    for (const client of clients) expect(await client.nextText()).toBe('slow');
    expect(timeouts).toEqual([]);
    expect(hub.stats().workerExits).toBe(0);
  });
});

/** Of such a thread nothing is left to end: it is left behind, and let go at the end of the test. */
describe('a thread in native code', () => {
  async function setUpNative(options: HubOptions = {}) {
    const parts = await setUp(options);
    const free = async () => {
      parts.barriers.lift('release');
      await until('the threads to end', () => abandonedWorkers() === 0);
    };
    onTestFinished(free);
    return { ...parts, free };
  }

  test('is replaced; what had begun is closed, what had not is processed once', async () => {
    const { hub, barriers, timeouts, url, free } = await setUpNative();
    const [[stuck, neighbour], [other]] = (await connectOnShards(hub, 2, url)) as [WsClient[], WsClient[]];
    stuck!.send('native');
    await barriers.waitFor('blocked');
    neighbour!.send('note');
    expect((await stuck!.closed).code).toBe(1011);
    expect(stuck!.waiting).toBe(0);
    expect(await neighbour!.ask('state')).toBe('1 true');
    expect(await other!.ask('state')).toBe('1 false');
    expect(abandonedWorkers()).toBe(1);
    await free();
    expect(await neighbour!.ask('state')).toBe('2 true');
    expect(barriers.notes('seen')).toHaveLength(1);
    expect(timeouts).toEqual([{ shard: 0, kind: 'loop' }]);
    expect(hub.stats()).toMatchObject({
      handlerTimeouts: 1,
      workerExits: 1,
      workerRestarts: 1,
      crashed: 1,
      messages: { inFlight: 0, inFlightBytes: 0 },
      shards: [{ state: 'up' }, { state: 'up' }],
    });
  });

  test('does not hold up close()', async () => {
    const { hub, barriers, url } = await setUpNative({ handlerTimeoutMs: 86_400_000 });
    const client = await WsClient.connect(url);
    client.send('native');
    await barriers.waitFor('blocked');
    await hub.close({ timeoutMs: 20 });
    expect(hub.state).toBe('stopped');
    expect(abandonedWorkers()).toBe(1);
    await client.closed;
  });

  test('does not hold up close() where no hook is waited for', async () => {
    const { hub, barriers, url } = await setUpNative({ handlerTimeoutMs: 86_400_000 });
    const client = await WsClient.connect(url);
    expect(await client.ask('native-later')).toBe('soon');
    await barriers.waitFor('blocked');
    await hub.close({ timeoutMs: 20 });
    expect(abandonedWorkers()).toBe(1);
    await client.closed;
  });

  test('rests its shard when there are too many of them', async () => {
    const { hub, log, url, free } = await setUpNative({
      workers: 1,
      handlerTimeoutMs: 50,
      maxRestarts: 1000,
      restartPauseMs: 50,
    });
    for (let i = 0; i < 4; i++) {
      const client = await WsClient.connect(url);
      client.send('native');
      expect((await client.closed).code).toBe(1011);
      if (i < 3) await until('the shard to be up', () => hub.stats().shards[0]!.state === 'up');
    }
    await until('the shard to rest', () => hub.stats().shards[0]!.state === 'resting');
    expect(log.filter(({ message }) => message.includes('left behind'))).toHaveLength(4);
    const restsSinceMs = hub.stats().uptimeMs;
    await until('several pauses to pass', () => hub.stats().uptimeMs > restsSinceMs + 500);
    expect(hub.stats().shards).toMatchObject([{ state: 'resting', restarts: 3 }]);
    await free();
    await until('the shard to be up', () => hub.stats().shards[0]!.state === 'up');
    expect(await (await WsClient.connect(url)).ask('state')).toBe('1 false');
  });
});

describe.each([2, 0])('a promise, workers: %i', (workers) => {
  test.each(['message', 'open'])(
    'pending in %s: its connection is closed, the thread is kept',
    async (hook) => {
      const { hub, timeouts, barriers, url } = await setUp({ workers });
      const neighbours = [await WsClient.connect(url), await WsClient.connect(url)];
      for (const neighbour of neighbours) expect(await neighbour.ask('state')).toBe('1 false');
      const pending = await WsClient.connect(hook === 'open' ? `${url}&hangs` : url);
      pending.send('hang');
      expect((await pending.closed).code).toBe(1011);
      expect(pending.waiting).toBe(0);
      await barriers.waitForNotes('aborted', 1);
      for (const neighbour of neighbours) expect(await neighbour.ask('state')).toBe('2 false');
      expect(timeouts).toMatchObject([{ kind: 'promise', connection: barriers.notes('aborted')[0] }]);
      expect(hub.stats()).toMatchObject({ handlerTimeouts: 1, workerExits: 0, connections: { open: 2 } });
      barriers.lift('pass');
      // The late result goes nowhere, and what was sent behind is not processed.
      await barriers.waitForNotes('late', 1);
      expect(barriers.notes('late')).toEqual(['send returned dropped']);
      for (const neighbour of neighbours) expect(await neighbour.ask('state')).toBe('3 false');
    },
  );

  test('0 is no limit', async () => {
    const { hub, barriers, timeouts, url } = await setUp({ workers, handlerTimeoutMs: 0 });
    const client = await WsClient.connect(url);
    client.send('hang');
    await barriers.waitFor('waiting');
    const quick = await startHub({ workers, handler: fixture('deadlines.mjs'), handlerTimeoutMs: 50 });
    const late = await WsClient.connect(barriers.url(quick.hub.wsUrl));
    late.send('hang');
    expect((await late.closed).code).toBe(1011);
    await until('two more deadlines of the other hub to pass', () => quick.hub.stats().uptimeMs > 150);
    expect(timeouts).toEqual([]);
    barriers.lift('pass');
    expect(await client.nextText()).toBe('late');
    expect(hub.stats().handlerTimeouts).toBe(0);
  });
});
