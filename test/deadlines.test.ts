/** handlerTimeoutMs: a loop costs its thread and its own connection, a promise only its own connection. */
import type { HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import type { HandlerTimeoutEvent } from '../src/hub/events.js';
import { Barriers } from './support/barriers.js';
import { fixture, startHub } from './support/hubs.js';
import { connectOnShards } from './support/shards.js';
import { until } from './support/until.js';
import { WsClient } from './support/ws-client.js';

async function setUp(options: HubOptions = {}) {
  const { hub } = await startHub({ handler: fixture('deadlines.mjs'), handlerTimeoutMs: 200, ...options });
  const barriers = new Barriers();
  const timeouts: HandlerTimeoutEvent[] = [];
  hub.on('handlerTimeout', (event) => timeouts.push(event));
  return { hub, barriers, timeouts, url: barriers.url(hub.wsUrl) };
}

describe('a loop', () => {
  test.each(['loop', 'loop-after-await', 'loop-in-timer', 'microtasks'])(
    '%s: its thread is replaced, its connection closed',
    async (way) => {
      const { hub, timeouts, url } = await setUp();
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
    },
  );
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
