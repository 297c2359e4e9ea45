/** Hubs that are connected by a real NATS server: what crosses, and what happens when a hub or the server goes. */
import { createHub, type Hub, type Position } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ClusterClient, userFromQuery } from '../../support/clients/cluster-client.js';
import { fetchRaw } from '../../support/clients/http-client.js';
import { fixture } from '../../support/servers/hubs.js';
import { hasNatsServer, NatsServer } from '../../support/servers/nats-server.js';
import { until } from '../../support/until.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

const topics = {
  'chat:*': { history: { size: 1000 }, presence: true, joinLeave: true },
} as const;

async function startHubs(count: number, server: NatsServer): Promise<Hub[]> {
  const hubs = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const hub = await createHub<unknown>({
        port: 0,
        workers: 1,
        handler: fixture('cluster.mjs'),
        upgrade: userFromQuery,
        topics,
        broker: server.url,
        nodeName: `hub ${i}`,
        logLevel: 'silent',
      });
      onTestFinished(() => hub.close({ timeoutMs: 50 }));
      return hub;
    }),
  );
  for (const hub of hubs) await until('all to know all', () => hub.cluster.nodes().length === count);
  return hubs;
}

async function startServer(): Promise<NatsServer> {
  const server = await NatsServer.start();
  onTestFinished(() => server.stop());
  return server;
}

describe.skipIf(!hasNatsServer)('hubs on NATS', () => {
  test('plain topics, users, broadcasts and disconnections cross, and only to who is there', async () => {
    const hubs = await startHubs(2, await startServer());
    const [ann, bob] = [
      await ClusterClient.connect(hubs[0]!.wsUrl, { userId: 'ann' }),
      await ClusterClient.connect(hubs[1]!.wsUrl, { userId: 'bob' }),
    ];
    await bob.call('subscribe', 'plain');
    await until('the subscription', () => hubs[1]!.topics().has('plain'));
    // Interest reaches the server in the background.
    await until('a publication to cross', () => {
      hubs[0]!.publish('plain', 'hello');
      return bob.texts.includes('hello');
    });
    expect(hubs[0]!.sendToUser('bob', 'from the hub')).toBe(0);
    expect(await ann.call('sendToUser', 'bob', 'from ann')).toBe(0);
    expect(hubs[0]!.broadcast('to all')).toBe(1);
    await until('all three', () => bob.texts.includes('to all'));
    expect(bob.texts.filter((text) => text !== 'hello')).toEqual(['from the hub', 'from ann', 'to all']);
    expect(ann.texts).toEqual(['to all']);
    hubs[0]!.disconnectUser('bob', { code: 4003, reason: 'rules' });
    expect(await bob.client.closed).toEqual({ code: 4003, reason: 'rules' });
    expect(hubs[0]!.cluster.nodes().map(({ name }) => name)).toEqual(['hub 0', 'hub 1']);
    expect(hubs[0]!.stats().cluster).toMatchObject({ broker: 'nats', state: 'up', nodes: 2, foreign: 0 });
  });

  test('a subscriber resumes on another hub, and a restart of the server leaves nobody with a gap', async () => {
    const server = await startServer();
    const hubs = await startHubs(2, server);
    const [a, b] = [await ClusterClient.connect(hubs[0]!.wsUrl), await ClusterClient.connect(hubs[1]!.wsUrl)];
    for (const client of [a, b]) await client.call('subscribe', 'chat:1', {});
    const told: string[] = [];
    let at: Position | undefined;
    let count = 0;
    /** What is refused was not published, or is published once all the same. */
    const publish = async (from: Hub) => {
      const text = `${++count}`;
      await until('it to be taken', async () => {
        const done = from.publish<Promise<Position>>('chat:1', text, { id: text });
        at = await done.catch(() => undefined);
        return at;
      });
      told.push(text);
    };
    for (let i = 0; i < 50; i++) await publish(hubs[i % 2]!);
    await server.kill();
    await until('both to see it', () => hubs.every((hub) => hub.stats().cluster.state === 'down'));
    const { status, body } = await fetchRaw(`${hubs[0]!.url}/readyz`);
    expect(status).toBe(200);
    expect(body.toString()).toMatch(/^ready, but the broker nats is down: /);
    const publishing = (async () => {
      for (let i = 0; i < 50; i++) await publish(hubs[i % 2]!);
    })();
    await server.start();
    await publishing;
    for (const client of [a, b]) {
      await until('all', () => client.texts.length >= told.length);
      expect(client.texts).toEqual(told);
    }
    const late = await ClusterClient.connect(hubs[1]!.wsUrl);
    const [first] = (await hubs[0]!.history('chat:1', { limit: 1000 })).publications;
    const since = { offset: first!.offset, epoch: at!.epoch };
    const result = await late.call('subscribe', 'chat:1', { since });
    expect(result).toMatchObject({ ...at, recovered: true, missed: told.length - 1 });
    await until('all of it', () => late.texts.length === told.length - 1);
    expect(late.texts).toEqual(told.slice(1));
    expect(hubs.map((hub) => hub.stats().cluster.lost)).toEqual([0, 0]);
  });

  test('presence is of all hubs; one that leaves takes its members along, but for those who come back', async () => {
    const hubs = await startHubs(3, await startServer());
    const events: string[] = [];
    hubs[0]!.on('join', (_, userId) => events.push(`+${userId}`));
    hubs[0]!.on('leave', (_, userId) => events.push(`-${userId}`));
    const join = async (hub: Hub, userId: string) => {
      const client = await ClusterClient.connect(hub.wsUrl, { userId });
      await client.call('subscribe', 'chat:1');
      return client;
    };
    await join(hubs[0]!, 'ann');
    await join(hubs[1]!, 'ann');
    const bob = await join(hubs[1]!, 'bob');
    for (const userId of ['cat', 'dan']) await join(hubs[2]!, userId);
    for (const hub of hubs)
      await until('all of them', async () => (await hub.presenceStats('chat:1')).connections === 5);
    const { members, missingNodes } = await hubs[1]!.presence('chat:1');
    expect(missingNodes).toEqual([]);
    expect(members.map(({ userId }) => userId).sort()).toEqual(['ann', 'bob', 'cat', 'dan']);
    const [ann] = members.filter(({ userId }) => userId === 'ann');
    expect(new Set(ann!.connections.map(({ node }) => node)).size).toBe(2);
    await bob.client.close();
    await until('bob to leave', () => events.includes('-bob'));
    // A deploy: dan comes back on another hub within the time that leaves are held back, cat does not.
    const closing = hubs[2]!.close({ timeoutMs: 50 });
    await until('it to be gone', () => hubs[0]!.cluster.nodes().length === 2);
    await join(hubs[1]!, 'dan');
    await closing;
    await until('cat to leave', () => events.includes('-cat'));
    expect(events).toEqual(['+ann', '+bob', '+cat', '+dan', '-bob', '-cat']);
    expect(await hubs[0]!.presenceStats('chat:1')).toEqual({ users: 2, connections: 3, missingNodes: [] });
  });
});
