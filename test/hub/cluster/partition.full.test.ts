/**
 * A hub that is parted from the broker's server for 30 s (`SHARDHUB_PARTITION_MS`), while another one is not: what it does
 * meanwhile, and what it makes good afterwards. By a proxy that stalls and then cuts, and by a wire of the kernel's. And one
 * whose way to the server is slow.
 */
import { createHub, type Hub, type HubOptions, type Position } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MAX_WAITING_BYTES } from '../../../src/broker/broker.js';
import { withFaults } from '../../../src/testing/faults.js';
import { startServer } from '../../support/broker/remote.js';
import { ClusterClient } from '../../support/clients/cluster-client.js';
import { fixture } from '../../support/servers/hubs.js';
import { hasNatsServer, NatsServer } from '../../support/servers/nats-server.js';
import { Network } from '../../support/servers/network.js';
import { DURABLE, hasRedisServer, RedisServer } from '../../support/servers/redis-server.js';
import { turn, until } from '../../support/until.js';

if (process.env.CI === 'true' && !(hasNatsServer && hasRedisServer))
  throw new Error('nats-server and redis-server have to be installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');
if (!hasRedisServer) console.log('skipped: redis-server is not installed (apt-get install redis-server)');
const whyNoNetwork = Network.whyNot();
if (whyNoNetwork !== '') console.log(`skipped: no network namespaces: ${whyNoNetwork}`);

const OUTAGE_MS = Number(process.env.SHARDHUB_PARTITION_MS ?? '30000');
const COUNT = 20;
const MEGABYTE = 1_000_000;
const UNAVAILABLE = 'ERR_BROKER_UNAVAILABLE';

/** A server, as two hubs reach it. */
interface Ways {
  readonly near: string;
  readonly far: string;
  /** Between the far one and the server. */
  stall(): void;
  /** After half of the time. */
  cut(): void;
  mend(): void;
}

async function startBehindLink(starting: Promise<NatsServer | RedisServer>) {
  const server = await startServer(starting);
  const link = await withFaults((faults) => faults.linkBroker(server.url));
  onTestFinished(() => link.close());
  return { server, link };
}

async function byProxy(starting: Promise<NatsServer | RedisServer>): Promise<Ways> {
  const { server, link } = await startBehindLink(starting);
  return {
    near: server.url,
    far: link.url,
    stall: () => link.stall(),
    cut: () => link.cut(),
    mend: () => link.mend(),
  };
}

async function byNetwork(): Promise<Ways> {
  const network = new Network();
  const [near, far] = [network.wire(), network.wire()];
  const { port } = await startServer(NatsServer.start('', network));
  return {
    near: `nats://${near.host}:${port}`,
    far: `nats://${far.host}:${port}`,
    stall: () => far.unplug(),
    cut: () => {},
    mend: () => far.plug(),
  };
}

async function startHub(broker: string) {
  const options: HubOptions = {
    port: 0,
    workers: 1,
    handler: fixture('cluster.mjs'),
    topics: {
      'chat:*': { history: { size: 1000 }, envelope: 'json' },
      'short:*': { history: { size: COUNT / 4 }, envelope: 'json' },
    },
    broker,
    logLevel: 'silent',
  };
  const hub = await createHub(options);
  onTestFinished(() => hub.close({ timeoutMs: 50 }));
  const states: string[] = [];
  hub.on('broker', (state) => states.push(state));
  const client = await ClusterClient.connect(hub.wsUrl);
  const position = await client.call<Position>('subscribe', 'chat:1', {});
  await client.call('subscribe', 'short:1', {});
  await client.call('subscribe', 'plain');
  const notes = (topic: string) =>
    client.texts.filter((text) => text.startsWith(`{"topic":"${topic}"`)).map((text) => JSON.parse(text));
  return {
    hub,
    states,
    client,
    position,
    chat: () => notes('chat:1').map(({ data }) => data),
    short: () => notes('short:1'),
  };
}

const publish = (hub: Hub, topic: string, text: string | Uint8Array) =>
  hub.publish<Promise<Position>>(topic, text);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    ({ code }) => code,
  );

describe.each([
  { name: 'NATS behind a proxy', has: hasNatsServer, open: () => byProxy(NatsServer.start()) },
  { name: 'Redis behind a proxy', has: hasRedisServer, open: () => byProxy(RedisServer.start(DURABLE)) },
  { name: 'NATS on a wire', has: hasNatsServer && whyNoNetwork === '', open: byNetwork },
])('$name', ({ has, open }) => {
  const title =
    'a partition: local topics go on, what needs the server fails in time, and all gaps are filled or told';
  test.skipIf(!has)(title, { timeout: OUTAGE_MS + 120_000 }, async () => {
    const ways = await open();
    const [near, far] = [await startHub(ways.near), await startHub(ways.far)];
    const lost: string[] = [];
    far.hub.on('topicLost', (topic) => lost.push(topic));
    await publish(near.hub, 'chat:1', '0');
    await until('it to cross', () => far.chat().length === 1);

    ways.stall();
    const start = performance.now();
    const since = () => Math.round(performance.now() - start);
    // Not known to be away yet: it is waited for, and what waits is bounded.
    const late = codeOf(publish(far.hub, 'chat:1', 'lost')).then((code) => ({ code, afterMs: since() }));
    const local = far.client.texts.length;
    for (let i = 0; i < COUNT; i++) far.hub.publish('plain', 'x'.repeat(MEGABYTE));
    expect(far.hub.stats().cluster.waitingBytes).toBeLessThanOrEqual(MAX_WAITING_BYTES);
    expect(far.hub.stats().cluster.unsent).toBeGreaterThanOrEqual(COUNT - MAX_WAITING_BYTES / MEGABYTE);
    expect(await codeOf(publish(far.hub, 'chat:1', Buffer.alloc(MEGABYTE)))).toBe('ERR_BROKER_BUSY');
    await until('plain topics to go on here', () => far.client.texts.length === local + COUNT);
    for (let i = 1; i <= COUNT; i++)
      for (const topic of ['chat:1', 'short:1']) await publish(near.hub, topic, `${i}`);
    const { code, afterMs } = await late;
    expect(code).toBe(UNAVAILABLE);
    await until('it to be seen', () => far.states.at(-1) === 'down');
    const downMs = since();

    // From here on nobody is asked to wait.
    let refused = '';
    void codeOf(publish(far.hub, 'chat:1', 'lost')).then((got) => {
      refused = got;
    });
    await turn();
    expect(refused).toBe(UNAVAILABLE);
    expect(far.hub.publish('plain', 'still here')).toBe(1);
    await until('it', () => far.client.texts.at(-1) === 'still here');
    const another = await ClusterClient.connect(far.hub.wsUrl);
    // What is at hand needs no server.
    const resumed = await another.call('subscribe', 'chat:1', { since: far.position });
    expect(resumed).toMatchObject({ recovered: true, missed: 1 });
    expect(await codeOf(another.call('history', 'chat:1'))).toBe(UNAVAILABLE);
    await until('half of the time', () => since() >= OUTAGE_MS / 2, { deadlineMs: OUTAGE_MS });
    ways.cut();
    await until('all of it', () => since() >= OUTAGE_MS, { deadlineMs: OUTAGE_MS });

    ways.mend();
    await until('it to be back', () => far.states.at(-1) === 'up');
    const upMs = since() - OUTAGE_MS;
    const all = Array.from({ length: COUNT + 1 }, (_, i) => i);
    await until('what was missed', () => far.chat().length > COUNT);
    await until('those to be told whose history is too short', () => far.short().length > 0);
    const filledMs = since() - OUTAGE_MS;
    expect(far.short()).toEqual([expect.objectContaining({ recovered: false })]);
    expect([lost, far.hub.stats().cluster.lost]).toEqual([['short:1'], 1]);
    for (const topic of ['chat:1', 'short:1']) await publish(far.hub, topic, `${COUNT + 1}`);
    await until('what is live', () => far.chat().length > COUNT + 1 && far.short().length > 1);
    const withoutLost = far.chat().filter((data) => data !== 'lost');
    expect(withoutLost).toEqual([...all, COUNT + 1]);
    await until('the other one to have it', () => near.chat().length >= far.chat().length);
    expect(near.chat()).toEqual(far.chat());
    expect([near.states, near.hub.stats().cluster.lost]).toEqual([[], 0]);
    expect(far.states.filter((state) => state !== 'degraded')).toEqual(['down', 'up']);
    console.log(
      `refused after ${afterMs} ms, down after ${downMs} ms; back ${upMs} ms after the mend, all caught up after ${filledMs} ms`,
    );
  });
});

describe.each([
  { name: 'NATS', has: hasNatsServer, serve: (): Promise<NatsServer | RedisServer> => NatsServer.start() },
  { name: 'Redis', has: hasRedisServer, serve: () => RedisServer.start() },
])('$name, slow', ({ has, serve }) => {
  test.skipIf(!has)('what crosses takes longer; its order, and that nothing is lost, stay', async () => {
    const { server, link } = await startBehindLink(serve());
    const hubs = [await startHub(server.url), await startHub(link.url)];
    link.delay([20, 100]);
    const start = performance.now();
    await publish(hubs[1]!.hub, 'chat:1', '"first"');
    const tookMs = Math.round(performance.now() - start);
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    await Promise.all(numbers.map((i) => publish(hubs[i % 2]!.hub, 'chat:1', `${i}`)));
    for (const { chat } of hubs) await until('all', () => chat().length === 201);
    expect(hubs[1]!.chat()).toEqual(hubs[0]!.chat());
    expect([...hubs[0]!.chat().slice(1)].sort((a, b) => a - b)).toEqual(numbers);
    expect(hubs.map(({ hub, states }) => [states, hub.stats().cluster.lost])).toEqual([
      [[], 0],
      [[], 0],
    ]);
    console.log(
      `one publication took ${tookMs} ms, all of them ${Math.round(performance.now() - start)} ms, each way delayed by 20 to 100 ms`,
    );
  });
});
