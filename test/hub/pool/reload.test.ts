/** Handlers that are reloaded under open connections: nobody is closed, and nothing is lost, repeated or reordered. */
import { expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { Versions } from '../../support/faults/versions.js';
import { startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

const generations = (hub: Awaited<ReturnType<typeof startHub>>['hub']) =>
  hub.stats().shards.map(({ generation }) => generation);

test('every worker goes over to the new version, with what it imports, and every connection with its state', async () => {
  const versions = new Versions();
  const { hub, log } = await startHub({ handler: versions.file });
  const clients = (await connectOnShards(hub, 2)).flat();
  for (const client of clients) expect(await client.ask('a')).toBe('v1 1 a');
  versions.write('v2');
  versions.label('+');
  expect(await hub.reload()).toMatchObject({ generation: 2 });
  for (const client of clients) {
    expect(await client.ask('b')).toBe('v2+ 2 b');
    const state = { count: 2, opened: [false, false], resumed: 1 };
    expect(JSON.parse(await client.ask('who'))).toEqual([true, true, state]);
  }
  expect(generations(hub)).toEqual([2, 2]);
  expect(hub.stats()).toMatchObject({
    workerExits: 0,
    workerRestarts: 0,
    connections: { open: clients.length },
  });
  expect(log).toEqual([]);
});

test('another module takes the place of the first', async () => {
  const [first, second] = [new Versions('first'), new Versions('second')];
  const { hub } = await startHub({ handler: first.file });
  const client = await WsClient.connect(hub.wsUrl);
  expect(await client.ask('a')).toBe('first 1 a');
  await hub.reload({ handler: second.file });
  expect(await client.ask('b')).toBe('second 2 b');
  expect(hub.stats().handler).toBe(second.file);
  // And stays there, also when a worker dies.
  client.send('exit');
  await client.closed;
  await until('the worker to be back', () => hub.stats().workerRestarts === 1);
  expect(await (await WsClient.connect(hub.wsUrl)).ask('c')).toBe('second 1 c');
});

test('what has begun finishes in the old version; what has not waits for the new one, in order', async () => {
  const versions = new Versions();
  const barriers = new Barriers();
  const { hub } = await startHub({ handler: versions.file });
  const [own, others] = (await connectOnShards(hub, 2, barriers.url(hub.wsUrl))) as [WsClient[], WsClient[]];
  own[0]!.send('wait pass');
  await barriers.waitFor('pass');
  for (const text of ['b', 'c']) own[0]!.send(text);
  await until('them to be accepted', () => hub.stats().messages.received === 3);
  versions.write('v2');
  const reloading = hub.reload();
  await until('the shard to wait', async () => hub.stats().shards[0]!.state === 'suspended');
  own[1]!.send('x');
  expect(await others[0]!.ask('y')).toBe('v1 1 y');
  expect(own[1]!.waiting).toBe(0);
  barriers.lift('pass');
  expect(await own[0]!.collectTexts(3)).toEqual(['v1 1 wait pass', 'v2 2 b', 'v2 3 c']);
  expect(await own[1]!.nextText()).toBe('v2 1 x');
  await reloading;
  expect(await others[0]!.ask('z')).toBe('v2 2 z');
});

test.each(['wait forever', 'loop'])('a hook that hangs (%s) costs its connection alone', async (how) => {
  const versions = new Versions();
  const barriers = new Barriers();
  const { hub } = await startHub({ handler: versions.file, reloadTimeoutMs: 100 });
  const [[hanging, client]] = (await connectOnShards(hub, 2, barriers.url(hub.wsUrl))) as [
    [WsClient, WsClient],
    WsClient[],
  ];
  expect(await client.ask('a')).toBe('v1 1 a');
  hanging.send(how);
  await until('it to be accepted', () => hub.stats().messages.received === 2);
  versions.write('v2');
  await hub.reload();
  expect((await hanging.closed).code).toBe(1011);
  expect(await client.ask('b')).toMatch(/^v2 [12] b$/);
  // The end of the one that was closed is told to the new version.
  await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
  expect(hub.stats()).toMatchObject({ handlerTimeouts: 1, messages: { inFlightBytes: 0 } });
  expect(generations(hub)).toEqual([2, 2]);
});

test('the options of a handler change with it', async () => {
  const versions = new Versions();
  versions.writeSource(
    `let own;
    export default { start({ options }) { own = options; }, message: () => JSON.stringify(own), suspend: () => 1, resume() {} };`,
  );
  const { hub } = await startHub({ handler: versions.file, handlerOptions: { limit: 1 } });
  const client = await WsClient.connect(hub.wsUrl);
  expect(await client.ask('a')).toBe('{"limit":1}');
  await hub.reload();
  expect(await client.ask('b')).toBe('{"limit":1}');
  await hub.reload({ handlerOptions: { limit: 2 } });
  expect(await client.ask('c')).toBe('{"limit":2}');
  await expect(hub.reload({ handlerOptions: () => {} })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
});

test('what a worker keeps goes to the worker that takes its place, before its connections', async () => {
  const hooks = (version: string) => `
    suspendWorker: ({ shard }) => ({ shard, from: '${version}' }),
    resumeWorker(worker, value) { globalThis.kept = JSON.stringify(value); },
    resume() {}, suspend: () => 1,
    open(connection) { connection.state = { count: 0 }; connection.send(String(globalThis.kept)); },`;
  const versions = new Versions('v1', hooks('v1'));
  const { hub } = await startHub({ handler: versions.file });
  expect(await (await WsClient.connect(hub.wsUrl)).nextText()).toBe('undefined');
  versions.write('v2', hooks('v2'));
  await hub.reload();
  const kept = await Promise.all([1, 2].map(async () => (await WsClient.connect(hub.wsUrl)).nextText()));
  expect(kept.sort()).toEqual(['{"shard":0,"from":"v1"}', '{"shard":1,"from":"v1"}']);
});

test('what cannot be reloaded is refused with the reason', async () => {
  const versions = new Versions();
  const { hub } = await startHub({ handler: versions.file, workers: 0 });
  await expect(hub.reload()).rejects.toMatchObject({ code: 'ERR_HUB_STATE', message: /workers: 0/ });
  const several = await startHub({ routes: { '/a': { handler: versions.file }, '/b': { handler: 'echo' } } });
  await expect(several.hub.reload({ handler: 'echo' })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  await expect(several.hub.reload({ handlers: 'echo' } as never)).rejects.toThrow(
    'unknown option "handlers"',
  );
  await expect(several.hub.reload({ handler: 5 as never })).rejects.toThrow('handler: 5 but takes');
  await several.hub.reload();
  await several.hub.close();
  await expect(several.hub.reload()).rejects.toMatchObject({ code: 'ERR_HUB_STATE' });
});
