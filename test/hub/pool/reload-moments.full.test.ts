/** Reloads that meet something else: a death, a drain, another change of the workers, a slow peer, a hook that keeps too much. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { CountingLoad, withSeed } from '../../support/faults/reload-storm.js';
import { Versions } from '../../support/faults/versions.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

const generations = (hub: Awaited<ReturnType<typeof startHub>>['hub']) =>
  hub.stats().shards.map(({ generation }) => generation);

/** Each thread has ports of its own. */
const expectNoThread = () =>
  until('threads to be gone', () => !process.getActiveResourcesInfo().includes('MessagePort'));

/** A version whose threads wait in `start`, until they are told. */
function slowToStart(versions: Versions) {
  const file = (name: string) => join(versions.folder, name);
  const gate = `async start() {
    const { existsSync, writeFileSync } = await import('node:fs');
    writeFileSync(${JSON.stringify(file('reached'))}, '');
    while (!existsSync(${JSON.stringify(file('go'))})) await new Promise((resolve) => setTimeout(resolve, 2));
  },
  suspend: (connection) => connection.state,
  resume(connection, state) { connection.state = state; },`;
  versions.write('v2', gate);
  return {
    reached: () => until('a thread of the new version', () => existsSync(file('reached'))),
    go: () => writeFileSync(file('go'), ''),
  };
}

describe('a death', () => {
  test('while new threads load: its replacement hands over to them', async () => {
    const versions = new Versions();
    const { hub } = await startHub({ handler: versions.file });
    const [[client, poisoned], [other]] = (await connectOnShards(hub, 2)) as [
      [WsClient, WsClient],
      [WsClient],
    ];
    for (const one of [client, other]) expect(await one.ask('a')).toBe('v1 1 a');
    const { reached, go } = slowToStart(versions);
    const reloading = hub.reload();
    await reached();
    poisoned.send('exit');
    expect((await poisoned.closed).code).toBe(1011);
    client.send('b');
    go();
    await reloading;
    // After a crash the count begins anew; in the other worker it goes on.
    expect(await client.nextText()).toBe('v2 1 b');
    expect(await other.ask('b')).toBe('v2 2 b');
    expect(generations(hub)).toEqual([2, 2]);
    expect(hub.stats()).toMatchObject({ workerExits: 1, crashed: 1, connections: { open: 3 } });
  });

  test('in suspend: the new worker takes over, and nobody is closed', async () => {
    const versions = new Versions('v1', 'suspend() { process.exit(3); },');
    const { hub } = await startHub({ handler: versions.file });
    const clients = (await connectOnShards(hub, 2)).flat();
    for (const client of clients) expect(await client.ask('a')).toBe('v1 1 a');
    versions.write('v2');
    await hub.reload();
    for (const client of clients)
      expect(JSON.parse(await client.ask('who'))).toEqual([true, false, { count: 0, opened: [true, false] }]);
    expect(generations(hub)).toEqual([2, 2]);
    expect(hub.stats()).toMatchObject({ workerExits: 2, workerRestarts: 2, crashed: 0 });
  });
});

describe('a drain', () => {
  test('while a shard waits: what was accepted is answered, by both versions', async () => {
    const versions = new Versions();
    const barriers = new Barriers();
    const { hub } = await startHub({ handler: versions.file });
    const [[client]] = await connectOnShards(hub, 1, barriers.url(hub.wsUrl));
    client!.send('wait pass');
    await barriers.waitFor('pass');
    versions.write('v2');
    const reloading = hub.reload().then(
      ({ generation }) => generation,
      ({ code }) => code,
    );
    await until('the shard to wait', () => hub.stats().shards[0]!.state === 'suspended');
    for (const text of ['b', 'c']) client!.send(text);
    await until('them to be accepted', () => hub.stats().messages.received === 3);
    const closing = hub.close();
    barriers.lift('pass');
    expect(await client!.collectTexts(3)).toEqual(['v1 1 wait pass', 'v2 2 b', 'v2 3 c']);
    expect((await client!.closed).code).toBe(1001);
    await closing;
    await expectNoThread();
    // The other shard may have had its turn by then, or not.
    expect([2, 'ERR_HUB_STATE']).toContain(await reloading);
  });

  test('while new threads load: it does not wait for them, and none is left', async () => {
    const versions = new Versions();
    const { hub } = await startHub({ handler: versions.file });
    const client = await WsClient.connect(hub.wsUrl);
    const { reached } = slowToStart(versions);
    const reloading = hub.reload();
    await reached();
    await Promise.all([hub.close(), expect(reloading).rejects.toThrow(/the hub stops|not needed/)]);
    expect((await client.closed).code).toBe(1001);
    await expectNoThread();
  });

  test('while all shards wait for a resize: no thread is left', async () => {
    const versions = new Versions();
    const barriers = new Barriers();
    const { hub } = await startHub({ handler: versions.file });
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    client.send('wait forever');
    await barriers.waitFor('forever');
    const resizing = hub.resize(3);
    await until('all to wait', () => hub.stats().shards.every(({ state }) => state === 'suspended'));
    await Promise.all([hub.close({ timeoutMs: 50 }), expect(resizing).rejects.toThrow('the hub stops')]);
    await expectNoThread();
  });
});

test.each(['serial', 'concurrent'] as const)(
  'another reload, and a resize: one after the other (%s)',
  (ordering) =>
    withSeed(async (random) => {
      const { hub, log } = await startHub({ handler: fixture('reloads.mjs'), ordering });
      const load = new CountingLoad(hub, random);
      await load.start(20);
      const changes = [hub.reload(), hub.resize(3), hub.reload({ canary: 1, canaryMs: 50 }), hub.resize(1)];
      expect((await Promise.all(changes)).map(({ generation }) => generation)).toEqual([2, 3, 4, 5]);
      await load.someAnswers();
      await load.end();
      expect(hub.stats()).toMatchObject({ workers: 1, workerExits: 0, reloads: 4 });
      expect(log).toEqual([]);
    }),
);

test('a stream that is half sent to a peer that does not read goes on to its end, and the next message is the new version’s', async () => {
  const BLOCKS = 300;
  const versions = new Versions();
  versions.writeSource(`export default {
    async *message(connection, message) {
      if (message.text() !== 'many') return yield 'v1';
      for (let i = 0; i < ${BLOCKS}; i++) {
        const block = Buffer.alloc(65_536);
        block.writeUInt32BE(i);
        yield block;
      }
    },
  };`);
  const { hub } = await startHub({ handler: versions.file, reloadTimeoutMs: 60_000 });
  const client = await WsClient.connect(hub.wsUrl);
  client.send('many');
  await client.next();
  client.socket.pause();
  let before = -1;
  const stands = () => before === (before = hub.stats().messages.sent);
  await until('the stream to wait', stands, { everyMs: 50 });
  client.send('next');
  versions.write('v2');
  const reloading = hub.reload();
  await until('the shard to wait', () => hub.stats().shards.some(({ state }) => state === 'suspended'));
  expect(hub.stats().messages.sent).toBeLessThan(BLOCKS);
  client.socket.resume();
  for (let i = 1; i < BLOCKS; i++) expect((await client.next()).data.readUInt32BE()).toBe(i);
  expect(await client.nextText()).toBe('v2 1 next');
  await reloading;
});

describe('what is kept is bounded', () => {
  test.each([
    [
      '2 MiB of a connection',
      'new Uint8Array(2 ** 21)',
      1,
      /suspend returned 2097\d+ bytes but takes 1048576 at most/,
    ],
    [
      '65 MiB of a worker',
      'new Uint8Array(1_000_000)',
      68,
      /at most, which is what is left of 67108864 for its worker/,
    ],
  ])('%s: the rest begins with open', async (_, value, count, words) => {
    const versions = new Versions('v1', `suspend: () => ${value},`);
    const { hub, log } = await startHub({ handler: versions.file, workers: 1 });
    const clients = await Promise.all(Array.from({ length: count }, () => WsClient.connect(hub.wsUrl)));
    versions.write('v2', 'resume(connection) { connection.state = { count: 10 }; },');
    await hub.reload();
    const kept = await Promise.all(clients.map((client) => client.ask('a')));
    const opened = kept.filter((text) => text === 'v2 1 a').length;
    expect(opened).toBeGreaterThan(0);
    expect(kept.filter((text) => text === 'v2 11 a')).toHaveLength(count - opened);
    expect(log.filter(({ message }) => words.test(message))).toHaveLength(opened);
  });

  test('a suspend that never ends: in time, for its connection alone', async () => {
    const versions = new Versions(
      'v1',
      'suspend: (connection) => (connection.state.count > 1 ? new Promise(() => {}) : connection.state),',
    );
    const { hub, log } = await startHub({ handler: versions.file, workers: 1, reloadTimeoutMs: 200 });
    const [first, second] = [await WsClient.connect(hub.wsUrl), await WsClient.connect(hub.wsUrl)];
    expect(await first.ask('a')).toBe('v1 1 a');
    expect([await second.ask('a'), await second.ask('a')]).toEqual(['v1 1 a', 'v1 2 a']);
    versions.write('v2');
    await hub.reload();
    expect([await first.ask('b'), await second.ask('b')]).toEqual(['v2 2 b', 'v2 1 b']);
    expect(log).toMatchObject([{ message: 'a handler failed: suspend did not finish within 200 ms' }]);
  });
});
