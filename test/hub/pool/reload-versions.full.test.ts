/** Versions of a handler that are no good, and those that keep nothing. */
import { describe, expect, test } from 'vitest';
import { WsClient } from '../../support/clients/ws-client.js';
import { Versions } from '../../support/faults/versions.js';
import { startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

const generations = (hub: Awaited<ReturnType<typeof startHub>>['hub']) =>
  hub.stats().shards.map(({ generation }) => generation);

describe('without a value that is kept', () => {
  test.each([
    ['no hooks', '', ''],
    ['nobody to take it', 'suspend: () => 1,', ''],
    ['nothing that was kept', '', 'resume() { throw new Error("not to be called"); },'],
    [
      'a value that cannot be cloned',
      'suspend: () => () => {},',
      'resume() { throw new Error("not to be called"); },',
    ],
  ])('%s: open runs again, and is told that it was a reload', async (_, before, after) => {
    const versions = new Versions('v1', before);
    const { hub } = await startHub({ handler: versions.file });
    const client = await WsClient.connect(hub.wsUrl);
    versions.write('v2', after);
    await hub.reload();
    expect(JSON.parse(await client.ask('who'))).toEqual([true, true, { count: 0, opened: [true, true] }]);
  });

  test('after a crash it was none', async () => {
    const versions = new Versions();
    const { hub } = await startHub({ handler: versions.file });
    const [[client, poisoned]] = (await connectOnShards(hub, 2)) as [[WsClient, WsClient], WsClient[]];
    await hub.reload();
    poisoned.send('exit');
    await until('the worker to be back', () => hub.stats().workerRestarts === 1);
    const state = { count: 0, opened: [true, false] };
    expect(JSON.parse(await client.ask('who'))).toEqual([true, false, state]);
  });
});

describe('a version that is no good changes nothing', () => {
  test.each([
    ['a syntax error', 'export default {', /cannot be loaded: Unexpected end of input/],
    ['no default export', 'export const open = 1;', /no default export/],
    [
      'a start that throws',
      'export default { start() { throw new Error("thrown"); }, open() {} };',
      /thrown/,
    ],
    [
      'a start that throws in the last worker',
      'export default { start({ shard }) { if (shard === 1) throw new Error("thrown"); }, open() {} };',
      /thrown/,
    ],
    [
      'a start that never ends',
      'export default { start: () => new Promise(() => {}), open() {} };',
      /start did/,
    ],
    [
      'a top level that never ends',
      'await new Promise(() => {});',
      /its top level did not finish within 1000 ms/,
    ],
    ['a top level that loops', 'for (;;);', /cannot be loaded: not ready in \d+ ms/],
    [
      'a thread that ends',
      'export default { start() { process.exit(7); }, open() {} };',
      /exited with code: 7/,
    ],
  ])('%s', async (_, source, why) => {
    const versions = new Versions();
    const { hub } = await startHub({ handler: versions.file, handlerTimeoutMs: 1000 });
    const client = await WsClient.connect(hub.wsUrl);
    expect(await client.ask('a')).toBe('v1 1 a');
    versions.writeSource(source);
    await expect(hub.reload()).rejects.toThrow(why);
    expect(await client.ask('b')).toBe('v1 2 b');
    expect(generations(hub)).toEqual([1, 1]);
    expect(hub.stats()).toMatchObject({ workerExits: 0, connections: { open: 1 } });
    versions.write('v3');
    // The number of a version that was no good is not used again.
    expect(await hub.reload()).toMatchObject({ generation: 3 });
    expect(await client.ask('c')).toBe('v3 3 c');
  });
});
