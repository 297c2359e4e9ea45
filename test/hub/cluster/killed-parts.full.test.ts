/**
 * Three nodes, readers and publishers, while one node at a time is killed, and the server twice. Nobody may have a hole that it
 * was not told of, nor a repeat. 50,000 publications, which take 45 s on each engine; with `SHARDHUB_STORM=1`, a tenth of them.
 */
import { describe, expect, test } from 'vitest';
import { startServer } from '../../support/broker/remote.js';
import { Publisher, Reader } from '../../support/cluster/readers.js';
import { type HubProcess, startHubProcess } from '../../support/processes/processes.js';
import { fixture } from '../../support/servers/hubs.js';
import { hasNatsServer, NatsServer } from '../../support/servers/nats-server.js';
import { DURABLE, hasRedisServer, RedisServer } from '../../support/servers/redis-server.js';
import { until } from '../../support/until.js';

if (process.env.CI === 'true' && !(hasNatsServer && hasRedisServer))
  throw new Error('nats-server and redis-server have to be installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');
if (!hasRedisServer) console.log('skipped: redis-server is not installed (apt-get install redis-server)');

const SCALE = Number(process.env.SHARDHUB_STORM ?? '10');
const NODES = 3;
const TOPICS = 10;
const READERS = 200;
const PUBLISHERS = 20;
const NUMBERS = 250 * SCALE;
const PATIENT = { deadlineMs: 200_000 };

describe.each([
  {
    name: 'NATS',
    has: hasNatsServer,
    serve: (): Promise<NatsServer | RedisServer> => NatsServer.start(),
    keepsAll: true,
  },
  {
    name: 'Redis that loses nothing',
    has: hasRedisServer,
    serve: () => RedisServer.start(DURABLE),
    keepsAll: true,
  },
  {
    name: 'Redis that keeps nothing',
    has: hasRedisServer,
    serve: () => RedisServer.start(),
    keepsAll: false,
  },
])('$name', ({ has, serve, keepsAll }) => {
  const title = 'every reader has everything once and in order, or was told';
  test.skipIf(!has)(title, { timeout: 400_000 }, async () => {
    const server = await startServer(serve());
    const start = () =>
      startHubProcess({
        workers: 1,
        handler: fixture('cluster.mjs'),
        topics: { 'room:*': { history: { size: 100_000 }, envelope: 'json' } },
        broker: server.url,
        logLevel: 'silent',
      });
    const hubs: HubProcess[] = await Promise.all(Array.from({ length: NODES }, start));
    let turn = 0;
    const nodes = () => hubs[turn++ % NODES]!.wsUrl;
    const topicOf = (i: number) => `room:${i % TOPICS}`;
    const publishers = Array.from({ length: PUBLISHERS }, (_, i) => new Publisher(`p${i}`, topicOf(i)));
    const readers = Array.from({ length: READERS }, (_, i) => {
      const own = publishers.filter(({ topic }) => topic === topicOf(i));
      return new Reader(
        topicOf(i),
        own.map(({ name }) => name),
      );
    });
    await Promise.all(readers.map((reader) => reader.start(nodes)));

    const publishing = Promise.all(publishers.map((publisher) => publisher.run(nodes, NUMBERS)));
    const all = PUBLISHERS * (NUMBERS + 1);
    const published = () => publishers.reduce((sum, { done }) => sum + done, 0);
    const killNode = async (i: number) => {
      hubs[i]!.signal('SIGKILL');
      await hubs[i]!.exited;
      hubs[i] = await start();
    };
    const killServer = async () => {
      await server.kill();
      await server.start();
    };
    const kills = [() => killNode(0), killServer, () => killNode(1), killServer, () => killNode(2)];
    for (const [i, kill] of kills.entries()) {
      await until('progress', () => published() >= (all * (i + 1)) / (kills.length + 2), PATIENT);
      await kill();
    }
    await publishing;
    // Whoever was told of a loss behind a publisher's last number has yet to hear of it.
    await Promise.all(publishers.map((publisher) => publisher.run(nodes, NUMBERS + 1)));

    const missing = () =>
      readers.filter(({ topic, seen }) =>
        publishers.some((publisher) => publisher.topic === topic && seen.get(publisher.name) !== NUMBERS + 1),
      );
    await until(
      () =>
        `the last of all, which ${missing().length} readers have not seen; ${JSON.stringify([...missing()[0]!.seen])}`,
      () => missing().length === 0,
    );
    for (const reader of readers) reader.stop();
    const told = readers.reduce((sum, reader) => sum + reader.told, 0);
    const [resumed, received] = [
      readers.reduce((sum, one) => sum + one.resumed, 0),
      readers.reduce((sum, one) => sum + one.received, 0),
    ];
    console.log(
      `${published()} published, ${received} received; resumed ${resumed} times, told ${told} times of a loss`,
    );
    expect(readers.flatMap(({ faults }) => faults)).toEqual([]);
    expect(publishers.reduce((sum, { repeated }) => sum + repeated, 0)).toBeGreaterThan(0);
    if (keepsAll) {
      expect(told).toBe(0);
      expect(received).toBe((all * READERS) / TOPICS);
    } else for (const reader of readers) expect(reader.told).toBeGreaterThan(0);
  });
});
