/**
 * A node dies, and all its subscribers come back at once, with their positions, on another one that knows nothing of their
 * topics: the server is asked for each topic, not for each of them.
 */
import { connect } from '@nats-io/transport-node';
import { createHub, type Position } from 'shardhub';
import type { SubscribeResult } from 'shardhub/worker';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../support/broker/remote.js';
import { ClusterClient } from '../../support/clients/cluster-client.js';
import { startHubProcess } from '../../support/processes/processes.js';
import { fixture } from '../../support/servers/hubs.js';
import { hasNatsServer, NatsServer } from '../../support/servers/nats-server.js';
import { until } from '../../support/until.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

const TOPICS = 50;
const SUBSCRIBERS = 5000;
/** Of each topic, before the node dies and after. */
const PUBLICATIONS = 20;
/** Where a topic is, what is missed, and once more for those whose position is before that of who was first. */
const READS = 4;
const PINGS_MS = 500;
const AT_ONCE = 200;

const options = {
  workers: 1,
  handler: fixture('cluster.mjs'),
  topics: { 'room:*': { history: { size: 1000 }, envelope: 'json' } },
  logLevel: 'silent',
} as const;
const topicOf = (i: number) => `room:${i % TOPICS}`;
const { withClient } = await import(new URL('../../../bench/measure/clients.mjs', import.meta.url).href);

/** One of them: its numbers have to be without a gap, and it comes back from the last one that it has dealt with. */
class Subscriber {
  readonly topic: string;
  /** Of each number that it has seen. */
  readonly positions: Position[] = [];
  readonly faults: string[] = [];
  client: ClusterClient | undefined;

  constructor(topic: string) {
    this.topic = topic;
  }

  async follow(url: string): Promise<SubscribeResult> {
    this.client = await ClusterClient.connect(url);
    this.client.onText = (text) => {
      const { offset, epoch, data } = JSON.parse(text);
      if (data !== this.positions.length + 1)
        this.faults.push(`${this.topic}: ${data} after ${this.positions.length}`);
      this.positions.push({ offset, epoch });
    };
    const since = this.positions.at(-1);
    return this.client.call('subscribe', this.topic, since === undefined ? {} : { since });
  }
}

test.skipIf(!hasNatsServer)(
  '5,000 subscribers are caught up by few reads, and pings are answered',
  async () => {
    const server = await startServer(NatsServer.start());
    const [dying, other] = await Promise.all(
      Array.from({ length: 2 }, () => startHubProcess({ ...options, broker: server.url })),
    );
    const publisher = await createHub({ ...options, port: 0, broker: server.url });
    onTestFinished(() => publisher.close({ timeoutMs: 50 }));
    const publish = async (from: number) => {
      for (let n = from; n < from + PUBLICATIONS; n++)
        await Promise.all(
          Array.from({ length: TOPICS }, (_, i) => publisher.publish<Promise<Position>>(topicOf(i), `${n}`)),
        );
    };
    const all = Array.from({ length: SUBSCRIBERS }, (_, i) => new Subscriber(topicOf(i)));
    for (let at = 0; at < SUBSCRIBERS; at += AT_ONCE)
      await Promise.all(all.slice(at, at + AT_ONCE).map((one) => one.follow(dying!.wsUrl)));
    await publish(1);
    const haveSeen = (count: number) => () => all.every(({ positions }) => positions.length === count);
    await until('all to have it', haveSeen(PUBLICATIONS));
    dying!.signal('SIGKILL');
    await Promise.all(all.map(({ client }) => client!.client.closed));
    await publish(PUBLICATIONS + 1);
    // A fifth of them has not dealt with the last ones, each with as many as it likes.
    const lags = all.map((_, i) => (i % 5 === 0 ? (i / 5) % PUBLICATIONS : 0));
    for (const [i, { positions }] of all.entries()) positions.length -= lags[i]!;

    const sniffer = await connect({ servers: server.url });
    onTestFinished(() => sniffer.close());
    let reads = 0;
    // Each read begins with one of these.
    sniffer.subscribe('$JS.API.STREAM.INFO.>', { callback: () => void reads++ });
    await sniffer.flush();
    const start = performance.now();
    let isOver = false;
    const pinging = withClient(
      'ping',
      async (client: { ask(command: string): Promise<{ p99: number; max: number }> }) => {
        const windows: { p99: number; max: number }[] = [];
        while (!isOver) windows.push(await client.ask(`measure ${other!.port} ${PINGS_MS} 2`));
        return windows;
      },
    );
    const results = await Promise.all(all.map((one) => one.follow(other!.wsUrl)));
    const tookMs = performance.now() - start;
    isOver = true;
    const windows = await pinging;
    console.log(
      `${SUBSCRIBERS} subscribers of ${TOPICS} topics came back in ${Math.round(tookMs)} ms with ${reads} reads; pings of each half second, p99: ${windows.map(({ p99 }: { p99: number }) => p99.toFixed(1)).join(', ')} ms`,
    );
    for (const [i, result] of results.entries())
      expect(result).toMatchObject({ recovered: true, missed: PUBLICATIONS + lags[i]! });
    await until('all of it', haveSeen(2 * PUBLICATIONS));
    await publish(2 * PUBLICATIONS + 1);
    await until('what is live', haveSeen(3 * PUBLICATIONS));
    expect(all.flatMap(({ faults }) => faults)).toEqual([]);
    expect(reads).toBeLessThanOrEqual(TOPICS * READS);
  },
);
