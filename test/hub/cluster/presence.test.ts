/** Presence and users in one hub. */
import { expect, test } from 'vitest';
import { ClusterClient, userFromQuery } from '../../support/clients/cluster-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const handler = fixture('cluster.mjs');
const topics = { 'room:*': { presence: true, joinLeave: true, envelope: 'json' } } as const;

test('users join with their first connection and leave with their last; connections without one are there too', async () => {
  const { hub } = await startHub({ handler, topics, upgrade: userFromQuery });
  const told: string[] = [];
  hub.on('join', (topic, userId) => told.push(`+${userId} ${topic}`));
  hub.on('leave', (topic, userId) => told.push(`-${userId} ${topic}`));
  const connect = (userId?: string) =>
    ClusterClient.connect(hub.wsUrl, userId === undefined ? {} : { userId });
  const clients = [await connect('ann'), await connect('ann'), await connect('bob'), await connect()];
  for (const client of clients) await client.call('subscribe', 'room:1');
  await until('all', () => hub.topics().get('room:1') === 4);
  expect(await hub.presenceStats('room:1')).toEqual({ users: 3, connections: 4, missingNodes: [] });
  const { members, missingNodes } = await clients[0]!.call<Awaited<ReturnType<typeof hub.presence>>>(
    'presence',
    'room:1',
  );
  expect(missingNodes).toEqual([]);
  expect(members.map(({ userId, connections }) => [userId, connections.length])).toEqual([
    ['ann', 2],
    ['bob', 1],
    [null, 1],
  ]);
  const [self] = hub.cluster.nodes();
  expect(members[0]!.connections[0]).toEqual({ id: expect.any(String), node: self!.id });
  expect(self).toMatchObject({ connections: 4, lastSeenMs: 0 });
  await clients[0]!.client.close();
  await clients[2]!.client.close();
  await until('their end', () => told.length === 3);
  expect(told).toEqual(['+ann room:1', '+bob room:1', '-bob room:1']);
  expect(await clients[1]!.callOnWorker('presenceStats', 'room:1')).toMatchObject({
    users: 2,
    connections: 2,
  });
  await clients[1]!.call('unsubscribe', 'room:1');
  await until('ann to leave', () => told.includes('-ann room:1'));
  // Those with an envelope are told in band.
  await until('notes', () => clients[3]!.texts.length === 2);
  const notes = clients[3]!.texts.map((text) => JSON.parse(text));
  expect(notes).toEqual(['bob', 'ann'].map((userId) => ({ topic: 'room:1', leave: { userId } })));
});

test('a user is sent a message, and disconnected, by the hub and by handlers', async () => {
  const { hub } = await startHub({ handler, upgrade: userFromQuery });
  const connect = (userId: string) => ClusterClient.connect(hub.wsUrl, { userId });
  const [ann, eve, eve2] = [await connect('ann'), await connect('eve'), await connect('eve')];
  expect(hub.sendToUser('eve', 'from the hub')).toBe(2);
  expect(await ann.call('sendToUser', 'eve', 'from ann')).toBe(2);
  expect(await ann.callOnWorker('sendToUser', 'nobody', 'x')).toBe(0);
  await until('both', () => eve.texts.length === 2);
  expect(eve.texts).toEqual(['from the hub', 'from ann']);
  expect(await ann.call('disconnectUser', 'eve', { code: 4003, reason: 'rules' })).toBe(2);
  for (const one of [eve, eve2]) expect(await one.client.closed).toEqual({ code: 4003, reason: 'rules' });
  expect(hub.disconnectUser('ann')).toBe(1);
  expect(await ann.client.closed).toMatchObject({ code: 1000 });
});
