/** A few shards change first: when they are worse than the others, they go back. */
import { expect, test } from 'vitest';
import { type Health, judge } from '../../../src/hub/pool/canary.js';
import type { WsClient } from '../../support/clients/ws-client.js';
import { Versions } from '../../support/faults/versions.js';
import { startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';

const GOOD: Health = { messages: 1000, errors: 0, timeouts: 0, deaths: 0, p99Ms: 2 };

test.each<[string, Partial<Health>, Partial<Health>, RegExp | undefined]>([
  ['the same', {}, {}, undefined],
  [
    'one error, and none in the others',
    { errors: 1 },
    {},
    /^1 handler errors in 1000 messages, and 0 in 1000/,
  ],
  ['as many errors for each message', { errors: 30, messages: 300 }, { errors: 100 }, undefined],
  ['what comes by chance', { errors: 12 }, { errors: 8 }, undefined],
  ['more errors', { errors: 40 }, { errors: 10 }, /40 handler errors/],
  ['a late hook', { timeouts: 1 }, {}, /handler timeouts/],
  ['a death', { deaths: 1 }, {}, /deaths of workers/],
  ['a p99 that nobody minds', { p99Ms: 9 }, {}, undefined],
  ['a p99 that is worse', { p99Ms: 31 }, { p99Ms: 10 }, /^a p99 of 31.0 ms, and of 10.0 ms in the others/],
  ['a p99 that is a little worse', { p99Ms: 29 }, { p99Ms: 10 }, undefined],
  ['too few messages for a p99', { p99Ms: undefined }, { p99Ms: 10 }, undefined],
])('%s', (_, canaries, others, why) => {
  const reason = judge({ ...GOOD, ...canaries }, { ...GOOD, ...others }, 3);
  if (why === undefined) expect(reason).toBeUndefined();
  else expect(reason).toMatch(why);
});

test('one that is good is followed by the others', async () => {
  const versions = new Versions();
  const { hub } = await startHub({ handler: versions.file });
  const [[first], [second]] = (await connectOnShards(hub, 1)) as [[WsClient], [WsClient]];
  versions.write('v2');
  const reloading = hub.reload({ canary: 1, canaryMs: 500 });
  await expect.poll(() => hub.handlers().map(({ generation }) => generation)).toEqual([2, 1]);
  expect(await first.ask('a')).toBe('v2 1 a');
  expect(await second.ask('a')).toBe('v1 1 a');
  expect(await reloading).toMatchObject({ generation: 2 });
  expect(await first.ask('b')).toBe('v2 2 b');
  expect(await second.ask('b')).toBe('v2 2 b');
  await expect(hub.reload({ canary: 2 })).rejects.toThrow('canary: 2 but takes');
});

test('one that fails goes back with its connections, though the old version is on no disk any more', async () => {
  const versions = new Versions();
  const { hub, log } = await startHub({ handler: versions.file });
  const events: unknown[] = [];
  hub.on('reload', (event) => events.push(event));
  const [[client, poisoned], [other]] = (await connectOnShards(hub, 2)) as [[WsClient, WsClient], [WsClient]];
  expect(await client.ask('a')).toBe('v1 1 a');
  versions.write(
    'v2',
    'suspend: (connection) => connection.state, resume(connection, state) { connection.state = state; }, start() { this.message = () => { throw new Error("thrown"); }; },',
  );
  const reloading = hub.reload({ canary: 1, canaryMs: 60_000 });
  await expect.poll(() => hub.handlers().map(({ generation }) => generation)).toEqual([2, 1]);
  poisoned.send('anything');
  expect((await poisoned.closed).code).toBe(1011);
  await expect(reloading).rejects.toMatchObject({
    code: 'ERR_RELOAD',
    message: expect.stringMatching(/taken back: 1 handler errors in \d+ messages, and 0 in .*shard 0/),
  });
  expect(await client.ask('b')).toBe('v1 2 b');
  expect(await other.ask('b')).toBe('v1 1 b');
  expect(hub.handlers().map(({ generation }) => generation)).toEqual([1, 1]);
  expect(events).toMatchObject([{ what: 'reload', error: { code: 'ERR_RELOAD' } }]);
  expect(log.at(-1)?.message).toContain('taken back');
  expect(hub.stats()).toMatchObject({ reloads: 0, reloadsFailed: 1 });
  // The number of the version that was seen is not used again.
  versions.write('v3');
  expect(await hub.reload()).toMatchObject({ generation: 3 });
  expect(await client.ask('c')).toBe('v3 3 c');
});

test('one that dies is replaced by the worker of the old version, which stood by', async () => {
  const versions = new Versions();
  const { hub } = await startHub({ handler: versions.file });
  const [[client, poisoned]] = (await connectOnShards(hub, 2)) as [[WsClient, WsClient], [WsClient]];
  expect(await client.ask('a')).toBe('v1 1 a');
  versions.write('v2');
  const reloading = hub.reload({ canary: 1, canaryMs: 60_000 }).catch((error) => error);
  await expect.poll(() => hub.handlers().map(({ generation }) => generation)).toEqual([2, 1]);
  poisoned.send('exit');
  expect((await poisoned.closed).code).toBe(1011);
  expect((await reloading).message).toContain('1 deaths of workers');
  // As after any crash, but in the thread of the old version.
  expect(await client.ask('b')).toBe('v1 1 b');
  expect(hub.handlers().map(({ generation }) => generation)).toEqual([1, 1]);
  expect(hub.stats()).toMatchObject({ workerExits: 1, workerRestarts: 1, crashed: 1 });
});
