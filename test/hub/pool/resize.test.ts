/** Another number of workers while connections are open. */
import { expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { connectMany } from '../../support/clients/ws-client.js';
import { Versions } from '../../support/faults/versions.js';
import { startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const connections = (hub: Awaited<ReturnType<typeof startHub>>['hub']) =>
  hub.stats().shards.map((shard) => shard.connections);

test('connections are spread over new workers, and come together again on fewer, with their state and their ids', async () => {
  const versions = new Versions();
  const { hub } = await startHub({ handler: versions.file, workers: 1 });
  const clients = await connectMany(hub.wsUrl, 8);
  const ids = [...hub.connections()].map(({ id }) => id).sort();
  const ask = async (count: number) => {
    const replies = await Promise.all(clients.map((client) => client.ask('a')));
    expect(replies).toEqual(clients.map(() => `v1 ${count} a`));
  };
  await ask(1);
  for (const [i, workers] of [4, 2, 3].entries()) {
    expect(await hub.resize(workers)).toMatchObject({ generation: i + 2 });
    await ask(i + 2);
    const spread = connections(hub);
    expect(spread).toHaveLength(workers);
    expect(Math.max(...spread) - Math.min(...spread)).toBeLessThanOrEqual(3);
    expect(spread.reduce((sum, count) => sum + count)).toBe(8);
    expect(hub.stats()).toMatchObject({ workers, messages: { inFlight: 0 }, workerExits: 0 });
  }
  expect([...hub.connections()].map(({ id }) => id).sort()).toEqual(ids);
});

test('connections with a key stay together, and later ones find them', async () => {
  const versions = new Versions();
  const { hub } = await startHub({ handler: versions.file, workers: 1, affinity: 'query:room' });
  const room = (name: string) => connectMany(`${hub.wsUrl}?room=${name}`, 3);
  const clients = (await Promise.all(['a', 'b', 'c', 'd'].map(room))).flat();
  await hub.resize(3);
  const before = connections(hub);
  expect(before.filter((count) => count % 3 === 0)).toHaveLength(3);
  await room('a');
  expect(connections(hub).filter((count, i) => count === before[i]! + 3)).toHaveLength(1);
  for (const client of clients) expect(await client.ask('x')).toBe('v1 1 x');
});

test('messages that wait go along to another shard, in order', async () => {
  const versions = new Versions();
  const barriers = new Barriers();
  const { hub } = await startHub({ handler: versions.file, workers: 2 });
  const clients = await connectMany(barriers.url(hub.wsUrl), 6);
  for (const client of clients) client.send('wait pass');
  await barriers.waitFor('pass', 6);
  for (const client of clients) for (const text of ['b', 'c']) client.send(text);
  await until('them to be accepted', () => hub.stats().messages.received === 18);
  const resizing = hub.resize(1);
  await until('all to wait', () => hub.stats().shards.every(({ state }) => state === 'suspended'));
  for (const client of clients) client.send('d');
  await until('them to be accepted', () => hub.stats().messages.received === 24);
  barriers.lift('pass');
  for (const client of clients)
    expect(await client.collectTexts(4)).toEqual(['v1 1 wait pass', 'v1 2 b', 'v1 3 c', 'v1 4 d']);
  await resizing;
  expect(hub.stats()).toMatchObject({ shards: [{ connections: 6, inFlight: 0 }], messages: { inFlight: 0 } });
});

test('what it cannot do is refused, and a version that cannot be loaded changes nothing', async () => {
  const versions = new Versions();
  const { hub } = await startHub({ handler: versions.file });
  await expect(hub.resize(0)).rejects.toThrow('resize got 0 but takes an integer from 1 to 256 (threads)');
  versions.writeSource(
    'export default { start({ workers, shard }) { if (shard === 2) throw new Error(workers); }, open() {} };',
  );
  await expect(hub.resize(3)).rejects.toThrow('its start failed: 3');
  expect(hub.stats()).toMatchObject({ workers: 2, shards: [{ generation: 1 }, { generation: 1 }] });
  const local = await startHub({ handler: versions.file, workers: 0 });
  await expect(local.hub.resize(2)).rejects.toMatchObject({ code: 'ERR_HUB_STATE' });
});
