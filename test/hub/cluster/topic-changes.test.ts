/** `topics` of a hub that runs, for topics that are open: what changes, and what needs a restart. */
import type { HubOptions, Position } from 'shardhub';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MAKE_BROKER } from '../../../src/api/broker.js';
import { MemoryBroker } from '../../../src/broker/memory-broker.js';
import { Presence } from '../../../src/hub/cluster/presence.js';
import { compareOptions } from '../../../src/hub/live-options.js';
import { resolveOptions } from '../../../src/options/options.js';
import { ClusterClient, userFromQuery } from '../../support/clients/cluster-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const base = { port: 0, workers: 1, handler: fixture('cluster.mjs'), upgrade: userFromQuery } as const;

async function hubWith(topics: HubOptions['topics']) {
  const { hub } = await startHub({ ...base, topics });
  const change = (others: HubOptions['topics']) =>
    hub.reconfigure({ ...hub.options, topics: others } as HubOptions);
  return { hub, change, client: await ClusterClient.connect(hub.wsUrl, { userId: 'ann' }) };
}
const CHANGED = { changed: ['topics'], needRestart: [] };

test('presence begins for who is subscribed already, with notes of its own, and ends', async () => {
  const { hub, change, client } = await hubWith({ 'room:*': { joinLeave: false, presence: false } });
  const told: string[] = [];
  hub.on('join', (topic, userId) => told.push(`+${userId} ${topic}`));
  hub.on('leave', (topic, userId) => told.push(`-${userId} ${topic}`));
  await client.call('subscribe', 'room:1');
  await expect(hub.presenceStats('room:1')).rejects.toThrow('has no presence');
  expect(change({ 'room:*': { presence: true, joinLeave: true, envelope: 'json' } })).toEqual(CHANGED);
  expect(await hub.presenceStats('room:1')).toEqual({ users: 1, connections: 1, missingNodes: [] });
  const bob = await ClusterClient.connect(hub.wsUrl, { userId: 'bob' });
  await bob.call('subscribe', 'room:1');
  hub.publish('room:1', 'hello');
  const notes = [
    { topic: 'room:1', join: { userId: 'ann' } },
    { topic: 'room:1', join: { userId: 'bob' } },
    { topic: 'room:1', data: 'hello' },
  ];
  await until('the notes', () => client.texts.length === 3);
  expect(client.texts.map((text) => JSON.parse(text))).toEqual(notes);
  expect(change({ 'room:*': {} })).toEqual(CHANGED);
  await expect(hub.presenceStats('room:1')).rejects.toThrow('has no presence');
  await bob.call('unsubscribe', 'room:1');
  expect(told).toEqual(['+ann room:1', '+bob room:1', '-ann room:1', '-bob room:1']);
});

test('who listens may close connections, and subscribe others, while presence begins and ends', async () => {
  const { hub, change, client } = await hubWith({ 'room:*': {} });
  const bobs = [0, 1].map(() => ClusterClient.connect(hub.wsUrl, { userId: 'bob' }));
  const clients = [client, ...(await Promise.all(bobs))];
  for (const one of clients) await one.call('subscribe', 'room:1');
  // Ann goes first: bob is closed before it is his turn.
  hub.once('join', () => hub.disconnectUser('bob'));
  expect(change({ 'room:*': { presence: true } })).toEqual(CHANGED);
  const alone = { users: 1, connections: 1, missingNodes: [] };
  expect(await hub.presenceStats('room:1')).toEqual(alone);
  const again = await ClusterClient.connect(hub.wsUrl, { userId: 'bob' });
  await again.call('subscribe', 'room:1');
  hub.once('leave', () => hub.disconnectUser('bob'));
  change({ 'room:*': {} });
  change({ 'room:*': { presence: true } });
  expect(await hub.presenceStats('room:1')).toEqual(alone);
});

test('who has not joined does not leave: a topic is kept for those who have', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const broker = new MemoryBroker();
  const host = { broker, node: 'n', others: () => [], send() {}, onJoin() {}, onLeave() {} };
  const presence = new Presence(host);
  onTestFinished(() => presence.close());
  for (let i = 0; i < 2; i++) presence.join('room:1', 'ann', 'ann');
  presence.join('room:1', 'bob', 'bob');
  for (const id of ['ann', 'ann', 'eve']) presence.leaveTopic('room:1', id);
  vi.advanceTimersByTime(60_000);
  expect(await presence.stats('room:1')).toMatchObject({ users: 1 });
});

test('a history is longer or shorter, and another envelope is that of what was published before too', async () => {
  const { hub, change, client } = await hubWith({ 'news:*': { history: { size: 2 } } });
  await client.call('subscribe', 'news:1');
  const publish = (text: string) => hub.publish<Promise<Position>>('news:1', text);
  const first = await publish('one');
  for (const text of ['two', 'three']) await publish(text);
  expect((await hub.history('news:1')).publications).toHaveLength(2);
  expect(change({ 'news:*': { history: { size: 4 }, envelope: 'json' } })).toEqual(CHANGED);
  for (const text of ['four', 'five']) await publish(text);
  expect((await hub.history('news:1')).publications).toHaveLength(4);
  await until('five', () => client.texts.length === 5);
  expect(client.texts.slice(2)).toEqual([
    'three',
    ...['four', 'five'].map((data) => expect.stringContaining(data)),
  ]);
  // Nothing is lost, and nothing repeated, for who comes back across the change.
  const late = await ClusterClient.connect(hub.wsUrl);
  const since = { epoch: first.epoch, offset: first.offset };
  expect(await late.call('subscribe', 'news:1', { since })).toMatchObject({ recovered: true, missed: 4 });
  await until('what was missed', () => late.texts.length === 4);
  expect(late.texts.map((text) => JSON.parse(text).data)).toEqual(['two', 'three', 'four', 'five']);
  expect(change({ 'news:*': { history: { size: 1 } } })).toEqual(CHANGED);
  await publish('six');
  expect((await hub.history('news:1')).publications).toEqual([expect.objectContaining({ data: 'six' })]);
});

test('which topics have a history, and that there are rules at all, needs a restart; rules behind them do not', async () => {
  const RESTART = { changed: [], needRestart: ['topics'] };
  const history = { size: 9 };
  const { hub, change } = await hubWith({ 'a:*': { history } });
  expect(change({ 'a:*': { history }, 'b:*': { presence: true } })).toEqual(CHANGED);
  expect(await hub.presenceStats('b:1')).toMatchObject({ users: 0 });
  expect(change({ 'a:*': { history }, 'b:*': { history } })).toEqual(RESTART);
  expect(change({ 'a:*': {} })).toEqual(RESTART);
  expect(change({ 'b:*': {}, 'a:*': { history } })).toEqual(RESTART);
  await expect(hub.history('b:1')).rejects.toThrow('has no history');
  expect((await hubWith({})).change({ 'b:*': { presence: true } })).toEqual(RESTART);
  // On NATS other bounds are another stream.
  type Broker = NonNullable<Parameters<typeof resolveOptions>[0]>['broker'];
  const on = (broker: Broker, size: number) =>
    resolveOptions({ broker, topics: { a: { history: { size } } } });
  const between = (broker: Broker) => compareOptions(on(broker, 1), on(broker, 2));
  const made = (name: string) => ({ name, [MAKE_BROKER]: () => undefined }) as Broker;
  expect(['nats://a', made('nats'), 'redis://a', made('redis')].map(between)).toEqual([
    RESTART,
    RESTART,
    CHANGED,
    CHANGED,
  ]);
});
