/** Redis behind the port: the contract on a real server, and what happens when it goes away. */
import { describe, expect, test } from 'vitest';
import type { Position } from '../../src/api/broker.js';
import { encodeMessage } from '../../src/broker/codec.js';
import { makeBroker } from '../../src/broker/make-broker.js';
import { BOUNDS, describeBroker, freshTopic, message, Node } from '../support/broker/contract.js';
import { engineOf, makeOf, startServer, testRemote, tlsFile } from '../support/broker/remote.js';
import { RedisCluster } from '../support/servers/redis-cluster.js';
import { DURABLE, hasRedisServer, RedisServer } from '../support/servers/redis-server.js';
import { until } from '../support/until.js';

if (!hasRedisServer && process.env.CI === 'true') throw new Error('redis-server is not installed');
if (!hasRedisServer) console.log('skipped: redis-server is not installed (apt-get install redis-server)');

const USED =
  'eval evalsha info publish subscribe unsubscribe ping hello client hget hmget hset hincrby xadd xrange xrevrange xtrim get set del time pttl pexpire';
const RIGHTS = [
  '--user',
  'ann',
  'on',
  '>s3cret:x',
  '~sh:*',
  '&sh:*',
  ...USED.split(' ').map((name) => `+${name}`),
];
const remote = {
  make: makeOf,
  serve: (settings: readonly string[] = []) => RedisServer.start(settings),
  durable: DURABLE,
  credentials: [
    ['a password', ['--requirepass', 's3cret'], 's3cret'],
    [
      'user and password, with the rights that docs/cluster.md names',
      [...RIGHTS, '--user', 'default', 'off'],
      'ann:s3cret:x',
    ],
  ],
  tls: [
    ...['--port', '0', '--tls-port', '{port}'],
    ...['--tls-cert-file', tlsFile('cert'), '--tls-key-file', tlsFile('key')],
    ...['--tls-ca-cert-file', tlsFile('client-ca'), '--tls-auth-clients', 'yes'],
  ],
  tlsUrl: (url: string) => url.replace('redis:', 'rediss:'),
} as const;
const start = (settings?: readonly string[]) => startServer(RedisServer.start(settings));

describe.skipIf(!hasRedisServer)('Redis', () => {
  describeBroker('redis', async () => engineOf(remote, await RedisServer.start()));
  describeBroker('redis cluster', async () => engineOf(remote, await RedisCluster.start()));
  testRemote<readonly string[]>('redis', remote);

  test('a cluster is found by any of its servers; one that comes back is another epoch of its topics', async () => {
    const cluster = await startServer(RedisCluster.start());
    const url = `redis://127.0.0.1:1,${cluster.servers[1]!.url}`;
    const node = await Node.start({ connect: () => makeBroker({ broker: url }), close: async () => {} });
    // Channels of a cluster are those of one server.
    const topics = Array.from({ length: 20 }, (_, i) => `t${i}`);
    for (const topic of topics) await node.broker.follow(topic, BOUNDS);
    const before = await Promise.all(topics.map((topic) => node.append(topic, 'before')));
    await until('all', () => node.publications.length === topics.length);
    for (const server of cluster.servers)
      expect(String(await server.ask('PUBSUB', 'SHARDCHANNELS', 'sh:1:*'))).not.toBe('');
    const [first] = cluster.servers;
    await first!.kill();
    await until('it to be missed', () => node.states.at(-1)!.state === 'down');
    await first!.start();
    await until('it to be back', () => node.resumed > 0);
    const reads = await Promise.all(topics.map((topic, i) => node.read(topic, before[i])));
    const lost = reads.filter(({ reachesBack }) => !reachesBack);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(topics.length);
    for (const topic of topics) await node.append(topic, 'after');
    await until('all of them', () => node.publications.length === 2 * topics.length);
  });

  test('several servers that are no cluster are refused', async () => {
    const url = `${(await start()).url},${(await start()).url}`;
    const starting = Node.start({ connect: () => makeBroker({ broker: url }), close: async () => {} });
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_BROKER',
      message: expect.stringContaining('they are no cluster'),
    });
  });

  test('a restart that may have lost something is another epoch, also when nothing was', async () => {
    const server = await start(['--save', '3600 1']);
    const [node, other] = [
      await Node.start(engineOf(remote, server)),
      await Node.start(engineOf(remote, server)),
    ];
    const topic = freshTopic();
    await node.broker.follow(topic, BOUNDS);
    const before = await node.append(topic, 'before', BOUNDS, 'id');
    await server.ask('SAVE');
    await node.append(topic, 'lost');
    await server.kill();
    await server.start();
    await until('both to be back', () => node.resumed > 0 && other.resumed > 0);
    const kept = await other.read(topic, before);
    expect(kept).toMatchObject({ texts: ['before'], reachesBack: false, position: { offset: 1 } });
    expect(kept.position.epoch).not.toBe(before.epoch);
    // The place of what was lost is given out again, in an epoch of its own; ids are remembered as far as what they are of.
    expect(await node.append(topic, 'again', BOUNDS, 'id')).toEqual(kept.position);
    expect(await node.append(topic, 'after')).toEqual({ offset: 2, epoch: kept.position.epoch });
    await until('it', () => node.texts(topic).at(-1) === 'after');
    expect(node.publications.at(-1)).toMatchObject({ previous: 1, offset: 2, epoch: kept.position.epoch });
  });

  test('scripts that were flushed, and a server that was, cost nothing but what was kept', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server));
    const before = await node.append('t', 'x');
    await server.ask('SCRIPT', 'FLUSH');
    expect(await node.append('t', 'y')).toEqual({ ...before, offset: 2 });
    await server.ask('FLUSHALL');
    const anew = await node.append('t', 'z');
    expect(anew).toMatchObject({ offset: 1 });
    expect(await node.read('t', before)).toMatchObject({ texts: ['z'], reachesBack: false, position: anew });
    // One that comes later does not take it for another history.
    const late = await Node.start(engineOf(remote, server));
    expect(await late.append('t', 'more')).toEqual({ ...anew, offset: 2 });
  });

  test('a server that has become a replica is left; once it takes over again, that is another epoch', async () => {
    const [server, other] = [await start(DURABLE), await start(DURABLE)];
    /** Makes one a replica of the other. */
    const follow = async (replica: RedisServer, master: RedisServer) => {
      await replica.ask('REPLICAOF', '127.0.0.1', `${master.port}`);
      const isThere = async () =>
        /master_link_status:up/.test(String(await replica.ask('INFO', 'replication')));
      await until('it to have all', isThere);
    };
    const node = await Node.start(engineOf(remote, server));
    const before = await node.append('t', 'x');
    await follow(other, server);
    await other.ask('REPLICAOF', 'NO', 'ONE');
    await follow(server, other);
    await expect(node.append('t', 'y')).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    expect(node.states.at(-1)).toMatchObject({ state: 'down', reason: expect.stringContaining('READONLY') });
    const starting = Node.start(engineOf(remote, server));
    await expect(starting).rejects.toMatchObject({ message: expect.stringContaining('it is a replica') });
    await server.ask('REPLICAOF', 'NO', 'ONE');
    await until('it to be back', () => node.resumed > 0);
    expect(await node.read('t', before)).toMatchObject({ texts: ['x'], reachesBack: false });
  });

  test('a server that is paused is given up, and found again', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server));
    await node.broker.follow('t', BOUNDS);
    await server.ask('CLIENT', 'PAUSE', '12000', 'ALL');
    await expect(node.append('t', 'late')).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    await until('it to be given up', () => node.states.at(-1)!.state === 'down');
    await until('it to be found again', () => node.states.at(-1)!.state === 'up');
    await node.append('t', 'after');
    await until('it', () => node.texts('t').includes('after'));
  });

  test('a server that is full refuses, and says so; a publication that is too large is told both numbers', async () => {
    const server = await start(['--maxmemory', '8mb', '--proto-max-bulk-len', '1mb']);
    const node = await Node.start(engineOf(remote, server));
    const large = { data: Buffer.alloc(1_100_000), isBinary: true };
    await expect(node.broker.append('t', large, BOUNDS, undefined)).rejects.toMatchObject({
      code: 'ERR_TOPIC_PAYLOAD',
      message: expect.stringMatching(/takes 11\d{5} bytes but the broker redis takes at most 10\d{5}/),
    });
    expect(node.broker.publish('t', large)).toBe('too-large');
    const chunk = 'x'.repeat(500_000);
    const fill = async () => {
      for (;;) await node.append('t', chunk);
    };
    await expect(fill()).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    expect(node.states.at(-1)).toMatchObject({ state: 'degraded', reason: expect.stringContaining('OOM') });
    const { publications, position } = await node.broker.read('t', BOUNDS, undefined, 1);
    expect(publications[0]!.offset).toBe(position.offset);
    await server.ask('CONFIG', 'SET', 'maxmemory', '0');
    expect((await node.append('t', 'x')).offset).toBe(position.offset + 1);
    expect(node.states.at(-1)!.state).toBe('up');
  });

  test('an answer is bounded in bytes; a read goes on where it ended, one of the newest by itself', async () => {
    // Whoever is to be answered with more than that is cut off.
    const server = await start(['--client-output-buffer-limit', 'normal 6mb 0 0']);
    const node = await Node.start(engineOf(remote, server));
    const first = await node.append('t', 'first');
    for (const initial of '0123456789a') await node.append('t', initial.repeat(1_000_000));
    const texts: string[] = [];
    let since = first;
    for (let hasMore = true; hasMore; ) {
      const read = await node.broker.read('t', BOUNDS, since, 1000);
      expect(read.reachesBack).toBe(true);
      expect(read.publications.length).toBeLessThan(6);
      texts.push(
        ...read.publications.map(({ message: { data } }) => Buffer.from(data).toString('utf8', 0, 1)),
      );
      since = { ...since, offset: read.publications.at(-1)!.offset };
      hasMore = read.hasMore;
    }
    expect(texts.join('')).toBe('0123456789a');
    const initials = async (from: Position | undefined, limit: number) => {
      const { texts, ...rest } = await node.read('t', from, limit);
      return { initials: texts.map(([initial]) => initial).join(''), ...rest };
    };
    const position = { ...first, offset: 12 };
    const all = { initials: 'f0123456789a', position, hasMore: false };
    expect(await initials(undefined, 1000)).toEqual({ ...all, reachesBack: true });
    expect(await initials({ ...first, epoch: 'x' }, 1000)).toEqual({ ...all, reachesBack: false });
    expect((await initials(undefined, 6)).initials).toBe('56789a');
    expect((await initials(undefined, 11)).initials).toBe('0123456789a');
  });

  test('what is foreign, or of another version, is dropped and counted', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server));
    await node.broker.follow('t', undefined);
    await node.broker.follow('t', BOUNDS);
    await node.broker.listen('c');
    const newer = encodeMessage('x', message('x'));
    newer[2] = 99;
    const mine = encodeMessage('x', message('mine'));
    const at = (text: string) => Buffer.concat([Buffer.from(text), mine]);
    for (const channel of ['sh:1:{t}:p', 'sh:1:{c}:s'])
      for (const data of ['hello', '', newer, mine]) await server.ask('PUBLISH', channel, data);
    for (const data of [
      'hello',
      '',
      ' ',
      'epoch 1 hello',
      mine,
      at('epoch 0 '),
      at('epoch x '),
      at('epoch 1'),
    ])
      await server.ask('PUBLISH', 'sh:1:{t}:l', data);
    await until('all', () => node.broker.stats().foreign === 14);
    expect(node.messages).toEqual([{ topic: 't', text: 'mine' }]);
    expect(node.signals).toEqual([{ channel: 'c', text: 'mine' }]);
    expect(node.publications).toEqual([]);
    // What is no publication in a history is none when it is read.
    const { offset } = await node.append('t', 'x');
    await server.ask('XADD', 'sh:1:{t}:h', `${offset}-99999999999999`, 'd', 'hello');
    expect((await node.read('t')).texts).toEqual(['x']);
  });

  test('with raw, what other programs publish reaches plain topics as it is', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server, { raw: true }));
    await node.broker.follow('chat:7', undefined);
    await server.ask('PUBLISH', 'sh:1:{chat%3A7}:p', 'hello');
    await until('it', () => node.messages.length === 1);
    expect(node.messages).toEqual([{ topic: 'chat:7', text: 'hello' }]);
  });
});
