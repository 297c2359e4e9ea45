/** What the hub tells of a worker that ended, and of a hook that took too long. */
import type { HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import type { HandlerTimeoutEvent, WorkerExitEvent } from '../../../src/api/events.js';
import { Barriers } from '../../support/barriers.js';
import type { WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

async function setUp(options: HubOptions, handler = 'deaths.mjs') {
  const { hub } = await startHub({ handler: fixture(handler), ...options });
  const exits: WorkerExitEvent[] = [];
  const restarts: WorkerExitEvent[] = [];
  const timeouts: HandlerTimeoutEvent[] = [];
  hub.on('workerExit', (event) => exits.push(event));
  hub.on('workerRestart', (event) => restarts.push(event));
  hub.on('handlerTimeout', (event) => timeouts.push(event));
  const barriers = new Barriers();
  // Shard 1, so that no zero passes for it.
  const [others, own] = await connectOnShards(hub, 3, barriers.url(hub.wsUrl));
  return { hub, barriers, exits, restarts, timeouts, others, own: own as [WsClient, WsClient, WsClient] };
}

const DEATHS: [way: string, reason: RegExp, options: HubOptions][] = [
  ['exit', /\bcode\b.*\b3\b/, {}],
  ['uncaught', /uncaught in a timer of the test/, {}],
  ['oom', /memory/i, { workerMemoryMb: 32 }],
  ['loop', /did not finish in time/, { handlerTimeoutMs: 2000 }],
];

const STACK = expect.stringMatching(/deaths\.mjs:\d+/);

describe('workerExit and workerRestart', () => {
  test.each(DEATHS)(
    '%s: say which shard, why, and how many connections paid',
    async (way, reason, options) => {
      const { hub, barriers, exits, restarts, others, own } = await setUp(options);
      const [poisoned, kept] = own;
      poisoned.send(way);
      expect((await poisoned.closed).code).toBe(1011);
      expect(await kept.ask('restarted')).toBe('true 1');
      const error =
        way === 'uncaught' ? { error: { message: 'uncaught in a timer of the test', stack: STACK } } : {};
      expect(exits).toEqual([{ shard: 1, reason: expect.stringMatching(reason), connections: 1, ...error }]);
      expect(restarts).toEqual(exits);
      for (const client of others) expect(await client.ask('restarted')).toBe('false 1');
      expect(hub.stats()).toMatchObject({ workerExits: 1, workerRestarts: 1, crashed: 1 });

      // The next one is told by itself, with all who pay.
      const [again, waiting] = (await connectOnShards(hub, 2, barriers.url(hub.wsUrl)))[1] as WsClient[];
      waiting!.send('wait');
      await barriers.waitFor('waiting');
      again!.send('exit');
      for (const client of [again!, waiting!]) expect((await client.closed).code).toBe(1011);
      expect(await kept.ask('restarted')).toBe('true 1');
      expect(exits.slice(1)).toEqual([
        { shard: 1, reason: expect.stringMatching(/\bcode\b.*\b3\b/), connections: 2 },
      ]);
      expect(restarts).toEqual(exits);
      expect(hub.stats()).toMatchObject({ workerExits: 2, workerRestarts: 2, crashed: 3 });
    },
  );

  test('0 connections when nobody paid, and neither when the hub stops', async () => {
    const { hub, barriers, exits, restarts, own } = await setUp({});
    expect(await own[0].ask('exit-later')).toBe('exit-later');
    barriers.lift('fire');
    await until('the worker to be back', () => restarts.length === 1);
    expect(exits).toEqual([{ shard: 1, reason: expect.stringMatching(/\bcode\b.*\b4\b/), connections: 0 }]);
    expect(restarts).toEqual(exits);
    await hub.close();
    expect([exits.length, restarts.length]).toEqual([1, 1]);
    expect(hub.stats()).toMatchObject({ workerExits: 1, workerRestarts: 1, crashed: 0 });
  });
});

describe('handlerTimeout', () => {
  test('a loop: the shard and the kind', async () => {
    const { timeouts, exits, restarts, own } = await setUp({ handlerTimeoutMs: 200 }, 'deadlines.mjs');
    own[0].send('loop');
    expect((await own[0].closed).code).toBe(1011);
    expect(await own[1].ask('state')).toBe('1 true');
    expect(timeouts).toEqual([{ shard: 1, kind: 'loop' }]);
    expect([exits.length, restarts.length]).toEqual([1, 1]);
  });

  test('a promise: the shard, the kind and the connection', async () => {
    const { timeouts, exits, barriers, own } = await setUp({ handlerTimeoutMs: 200 }, 'deadlines.mjs');
    own[0].send('hang');
    expect((await own[0].closed).code).toBe(1011);
    expect(await own[1].ask('state')).toBe('1 false');
    const [connection] = await barriers.waitForNotes('aborted', 1);
    expect(timeouts).toEqual([{ shard: 1, kind: 'promise', connection }]);
    expect(exits).toEqual([]);
  });
});
