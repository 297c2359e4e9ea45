/** The hooks start and stop: once in each life of each worker, before and after everything else. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHub } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { engineUnderTest } from '../../support/engines/under-test.mjs';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

function setUp() {
  const barriers = new Barriers();
  const handler = fixture('life.mjs');
  // Workers get a copy of the environment when they start.
  process.env.LIFE_DIR = barriers.dir;
  const misbehave = (how: 'throw' | 'hang', hook: string) => writeFileSync(join(barriers.dir, how), hook);
  return { handler, misbehave, notes: () => barriers.notes('life') };
}

const LIVES: [workers: number, shards: number[]][] = [
  [2, [0, 1]],
  [0, [0]],
];

describe.each(LIVES)('workers: %i', (workers, shards) => {
  test('start runs before any connection, stop after the last message, once in each worker', async () => {
    const { handler, notes } = setUp();
    const { hub } = await startHub({ workers, handler });
    expect(notes().sort()).toEqual(
      shards.map((shard) => `start ${shard}/${workers} aborted:false frozen:true`),
    );
    const clients = await Promise.all([WsClient.connect(hub.wsUrl), WsClient.connect(hub.wsUrl)]);
    for (const client of clients)
      expect(shards.map((s) => `started in ${s}`)).toContain(await client.ask('who'));
    for (const client of clients) client.send('slowly');
    await until('both to be accepted', () => hub.stats().messages.received === 4);
    await hub.close({ timeoutMs: 20_000 });
    const ends = notes().slice(shards.length);
    expect(ends.slice(0, 4).sort()).toEqual(['close', 'close', 'finished', 'finished']);
    for (const shard of shards) {
      const own = ends.filter((line) => line.includes(` ${shard}`));
      expect(own).toEqual([`abort ${shard}`, `stop ${shard} aborted:true`]);
    }
    expect(ends).toHaveLength(4 + 2 * shards.length);
    expect(hub.stats()).toMatchObject({ handlerErrors: 0, workerExits: 0 });
  });

  test.each([
    ['throw', 'thrown by start'],
    ['hang', 'start did not finish within 150 ms'],
  ] as const)('a start that does %s: no hub, and an error that says why', async (how, why) => {
    const { handler, misbehave, notes } = setUp();
    misbehave(how, 'start');
    const starting = createHub({
      ...engineUnderTest,
      port: 0,
      workers,
      handler,
      handlerTimeoutMs: 150,
      logLevel: 'silent',
    });
    const error = await starting.catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_HANDLER_LOAD' });
    expect(error.message).toContain('life.mjs');
    expect(error.message).toContain(`its start failed: ${why}`);
    expect(notes().every((line) => line.startsWith('start'))).toBe(true);
  });

  test.each([
    ['throw', 'thrown by stop', { handlerErrors: shards.length, handlerTimeouts: 0 }],
    ['hang', 'stop did not finish within 150 ms', { handlerErrors: 0, handlerTimeouts: shards.length }],
  ] as const)('a stop that does %s: the hub closes, counts it and logs it', async (how, why, counted) => {
    const { handler, misbehave } = setUp();
    misbehave(how, 'stop');
    const { hub, log } = await startHub({ workers, handler, handlerTimeoutMs: 150 });
    await hub.close({ timeoutMs: 20_000 });
    expect(hub.stats()).toMatchObject({ state: 'stopped', workerExits: 0, ...counted });
    const lines = log.filter(({ message }) => message.includes(why));
    expect(lines.map(({ level, details }) => [level, details.shard]).sort()).toEqual(
      shards.map((shard) => ['error', shard]),
    );
  });

  test('a stop that outlasts the drain is cut, and that is logged', async () => {
    const { handler, misbehave } = setUp();
    misbehave('hang', 'stop');
    const { hub, log } = await startHub({ workers, handler });
    await hub.close({ timeoutMs: 100 });
    expect(hub.state).toBe('stopped');
    // Which worker is late first is chance.
    const late = log.filter(({ level }) => level === 'warn').map(({ details }) => details.shard);
    expect(late.sort()).toEqual(shards);
  });
});

test('the replacement of a worker that died starts as the first one did; the dead one is not stopped', async () => {
  const { handler, notes } = setUp();
  const { hub } = await startHub({ handler });
  const [[poisoned, own], [other]] = (await connectOnShards(hub, 2)) as [WsClient[], WsClient[]];
  expect(await own!.ask('who')).toBe('started in 0');
  poisoned!.send('exit');
  expect((await poisoned!.closed).code).toBe(1011);
  expect(await own!.ask('who')).toBe('started in 0');
  expect(await other!.ask('who')).toBe('started in 1');
  expect(notes().filter((line) => line.startsWith('start 0'))).toHaveLength(2);
  expect(notes().filter((line) => line.startsWith('start 1'))).toHaveLength(1);
  expect(notes().filter((line) => line.startsWith('stop'))).toEqual([]);
});

test('a replacement whose start fails is tried again until it does not', async () => {
  const { handler, misbehave } = setUp();
  const { hub, log } = await startHub({ handler, workers: 1, maxRestarts: 100 });
  const [client, poisoned] = await Promise.all([WsClient.connect(hub.wsUrl), WsClient.connect(hub.wsUrl)]);
  misbehave('throw', 'start');
  poisoned.send('exit');
  const failed = () =>
    log.filter(({ details }) => String(details.reason).includes('its start failed: thrown'));
  await until('two attempts', () => failed().length >= 2);
  misbehave('throw', 'nothing');
  expect(await client.ask('who')).toBe('started in 0');
});
