/** Programs that are no hubs publish on topics with history, on a real Redis: once and in order, whichever hub dies. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, createCluster } from '@redis/client';
import { createHub } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MAX_WAITING_BYTES } from '../../../src/broker/broker.js';
import { encodeMessage } from '../../../src/broker/codec.js';
import { makeBroker } from '../../../src/broker/make-broker.js';
import { RedisServerPort } from '../../../src/broker/redis/redis-server.js';
import { BOUNDS, Node } from '../../support/broker/contract.js';
import { startServer } from '../../support/broker/remote.js';
import { ClusterClient } from '../../support/clients/cluster-client.js';
import { Command } from '../../support/processes/command-line.js';
import { temporaryFolder } from '../../support/processes/temporary-folder.js';
import { fixture, type LogLine, recordingLogger } from '../../support/servers/hubs.js';
import { RedisCluster } from '../../support/servers/redis-cluster.js';
import { hasRedisServer, RedisServer } from '../../support/servers/redis-server.js';
import { until } from '../../support/until.js';

if (!hasRedisServer && process.env.CI === 'true') throw new Error('redis-server is not installed');
if (!hasRedisServer) console.log('skipped: redis-server is not installed (apt-get install redis-server)');

const STREAM = 'sh:1:{raw}';
const COUNT = 600;
const close = async () => {};

/** A program that adds entries, and nothing else. */
async function connectBackend(server: RedisServer | RedisCluster) {
  const rootNodes = server.url.split(',').map((url) => ({ url }));
  const client = server instanceof RedisCluster ? createCluster({ rootNodes }) : createClient(rootNodes[0]);
  await client.connect();
  onTestFinished(() => client.destroy());
  return (...fields: (string | Buffer)[]): Promise<unknown> => {
    const command = ['XADD', STREAM, '*', ...fields] as string[];
    return 'slots' in client ? client.sendCommand(STREAM, false, command) : client.sendCommand(command);
  };
}

/** One that looks at nothing by itself. */
async function openPort(server: RedisServer | RedisCluster, node: string): Promise<RedisServerPort> {
  const port = new RedisServerPort({ url: server.url });
  const wrap = (data: Uint8Array) => encodeMessage(node, { data, isBinary: false });
  const nothing = () => {};
  const told = { onUp: nothing, onDown: nothing, onTrouble: nothing, onForeign: nothing };
  await port.connect({ node, histories: [], boundsOf: () => BOUNDS, wrap, ...told });
  onTestFinished(() => port.close(50));
  return port;
}

describe.skipIf(!hasRedisServer)('raw, on Redis', () => {
  test('what is added is in the history once and in order, though three hubs hear it and the one that looks is killed', async () => {
    const server = await startServer(RedisServer.start());
    const broker = { url: server.url, raw: true };
    const topics = { 'kept:*': { history: { size: 10 * COUNT } } };
    const config = join(temporaryFolder(), 'hub.json');
    writeFileSync(config, JSON.stringify({ port: 0, workers: 0, broker, topics }));
    const serve = async () => {
      const command = new Command(['serve', '--config', config]);
      await command.started();
      return command;
    };
    const first = await serve();
    await until('it to look', async () => await server.ask('GET', `${STREAM}:by`));
    await serve();
    const hub = await createHub({ port: 0, workers: 1, handler: fixture('cluster.mjs'), topics, broker });
    onTestFinished(() => hub.close({ timeoutMs: 50 }));
    const subscriber = await ClusterClient.connect(hub.wsUrl);
    const topic = 'kept:a-b/ä';
    await subscriber.call('subscribe', topic, {});
    const add = await connectBackend(server);
    const texts = Array.from({ length: COUNT }, (_, i) => `${i}`);
    for (const text of texts) {
      await add('topic', topic, 'data', text);
      if (text === `${COUNT / 3}`) {
        await until('the first to have moved some', () => subscriber.texts.length > 0);
        first.kill('SIGKILL');
      }
    }
    await until('all', () => subscriber.texts.length >= COUNT);
    expect(subscriber.texts).toEqual(texts);
    const { publications, offset } = await hub.history(topic, { limit: 10 * COUNT });
    expect(publications.map(({ data }) => data)).toEqual(texts);
    expect(offset).toBe(COUNT);
    expect(await server.ask('XLEN', STREAM)).toBe(0);
    expect(hub.stats().cluster).toMatchObject({ foreign: 0, lost: 0 });
  });

  test('a hub that may not delete takes nothing, and says so until it may: nothing is published more than once', async () => {
    const server = await startServer(RedisServer.start());
    await server.ask('ACL', 'SETUSER', 'hub', 'on', '>x', '~*', '&*', '+@all', '-xdel');
    const log: LogLine[] = [];
    const hub = await createHub({
      port: 0,
      workers: 0,
      topics: { 'kept:*': { history: { size: 10 } } },
      broker: { url: server.url.replace('//', '//hub:x@'), raw: true },
      logger: recordingLogger(log),
    });
    onTestFinished(() => hub.close({ timeoutMs: 50 }));
    const reason = expect.stringContaining('grant the user XDEL');
    // At once, though nothing has come yet: for `shardhub doctor` too.
    expect(hub.stats().cluster).toMatchObject({ state: 'degraded', reason });
    await (await connectBackend(server))('topic', 'kept:1', 'data', 'x');
    await hub.publish('kept:1', 'y');
    const refusals = async () => {
      const [entry] = (await server.ask('ACL', 'LOG')) as { count: number }[];
      return entry!.count;
    };
    const before = await refusals();
    await until('it to be refused again', async () => (await refusals()) > before);
    const told = () => log.filter(({ message }) => message === 'the broker is not up');
    expect(told()).toMatchObject([{ level: 'warn', details: { state: 'degraded', reason } }]);
    await server.ask('ACL', 'SETUSER', 'hub', '+xdel');
    await until('it to be taken', async () => (await server.ask('XLEN', STREAM)) === 0);
    const { publications } = await hub.history('kept:1');
    expect(publications.map(({ data }) => data)).toEqual(['y', 'x']);
    expect(hub.stats().cluster).toMatchObject({ state: 'up', reason: '' });
    await server.ask('ACL', 'SETUSER', 'hub', '-xdel');
    await until('it to be told again', () => told().length === 2);
  });

  test('what is taken at once is bounded in bytes, and to look writes next to nothing', async () => {
    const server = await startServer(RedisServer.start());
    const port = await openPort(server, 'a');
    const add = await connectBackend(server);
    for (let i = 0; i < 7; i++) await add('topic', 'kept:1', 'data', 'x'.repeat(1_000_000));
    for (let i = 0; i < 9; i++) expect((await port.takeRaw(600_000, 100))?.length).toBe(5);
    expect(await server.ask('INFO', 'commandstats')).toMatch(/cmdstat_set:calls=1,/);
    await add('topic', 'kept:1', 'data', Buffer.alloc(MAX_WAITING_BYTES));
    const node = await Node.start({
      connect: () => makeBroker({ broker: { url: server.url, raw: true } }),
      close,
    });
    await server.ask('DEL', `${STREAM}:by`);
    await until('all', async () => (await server.ask('XLEN', STREAM)) === 0);
    expect((await node.read('kept:1')).position.offset).toBe(7);
    expect(node.broker.stats().foreign).toBe(1);
  });

  test.each([
    ['Redis', RedisServer],
    ['a Redis Cluster', RedisCluster],
  ])('on %s, an entry that three nodes move at the same time is published once', async (_, program) => {
    const server = await startServer<RedisServer | RedisCluster>(program.start());
    const ports = await Promise.all(['a', 'b', 'c'].map((node) => openPort(server, node)));
    const backend = await connectBackend(server);
    for (let i = 0; i < 20; i++) {
      const id = String(await backend('topic', 'kept:1', 'data', 'x'));
      await Promise.all(ports.map((port) => port.moveRaw(id, 'kept:1', Buffer.from(`${i}`), BOUNDS)));
    }
    const { publications } = await ports[0]!.read('kept:1', BOUNDS, undefined, 100);
    const texts = publications.map(({ message }) => Buffer.from(message.data).toString());
    expect(texts).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
  });

  test('on a Redis Cluster too; what can be no publication is dropped and counted, and holds up nothing', async () => {
    const cluster = await startServer(RedisCluster.start());
    const { url } = cluster;
    const connect = () => makeBroker({ broker: { url, raw: true } });
    const nodes = [await Node.start({ connect, close })];
    nodes.push(await Node.start({ connect, close }));
    const topics = Array.from({ length: 10 }, (_, i) => `kept:${i}`);
    for (const topic of topics) await nodes[1]!.broker.follow(topic, BOUNDS);
    const add = await connectBackend(cluster);
    await add('topic', 'plain', 'data', 'x');
    await add('topic', 'kept:1');
    await add('data', 'x');
    const bytes = Buffer.from([0xff, 0]);
    for (const topic of topics) {
      await add('topic', topic, 'data', `of ${topic}`);
      await add('more', '', 'data', bytes, 'topic', topic);
    }
    await until('all', () => nodes[1]!.publications.length === 2 * topics.length);
    for (const topic of topics) {
      const read = await nodes[0]!.broker.read(topic, BOUNDS, undefined, 10);
      expect(read.publications.map(({ message: { isBinary } }) => isBinary)).toEqual([false, true]);
      expect(Buffer.from(read.publications[1]!.message.data)).toEqual(bytes);
    }
    expect(nodes.map(({ broker }) => broker.stats().foreign).sort()).toEqual([0, 3]);
  });
});
