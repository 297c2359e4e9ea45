/** A topic with history on one node: what is missed on the way is filled in before anything later, or told. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Position } from '../../../src/api/broker.js';
import type { Broker, BrokerPublication } from '../../../src/broker/broker.js';
import { MemoryBroker, MemoryExchange } from '../../../src/broker/memory-broker.js';
import { Stream } from '../../../src/hub/cluster/stream.js';
import { TailBudget } from '../../../src/hub/cluster/tail.js';
import { BOUNDS, message, Node } from '../../support/broker/contract.js';
import { until } from '../../support/until.js';

const TOPIC = 't';

/** A stream whose live publications are lost while `isDeaf`, and what its subscribers are given. */
async function startStream(size = BOUNDS.size) {
  const bounds = { ...BOUNDS, size };
  const exchange = new MemoryExchange();
  const engine = { connect: () => new MemoryBroker(exchange), close: async () => {} };
  const publisher = await Node.start(engine);
  const broker: Broker = new MemoryBroker(exchange);
  const given: string[] = [];
  const lost: Position[] = [];
  const reads: number[] = [];
  const state = { isDeaf: false };
  const read = broker.read.bind(broker);
  broker.read = (...args) => {
    reads.push(args[2]?.offset ?? -1);
    return read(...args);
  };
  const rule = { history: bounds, presence: false, joinLeave: false, conflate: false };
  const stream = new Stream(TOPIC, rule, {
    broker,
    tails: new TailBudget(),
    deliver: (_, frame) => void given.push(Buffer.from(frame.data).toString()),
    onLost: (_, __, position) => void lost.push(position),
  });
  const node = new Node(broker);
  node.onPublication = (_: string, publication: BrokerPublication, previous: number, epoch: string) => {
    if (!state.isDeaf) stream.onPublication(publication, previous, epoch);
  };
  await broker.start(node);
  onTestFinished(() => broker.close());
  const publish = async (...texts: string[]) => {
    let at: Position | undefined;
    for (const text of texts) at = await publisher.broker.append(TOPIC, message(text), bounds, undefined);
    return at!;
  };
  const resume = async (since?: Position) => {
    let result: string[] | undefined;
    await stream.resume(since, (missed) => {
      result = missed?.map(({ frame }) => Buffer.from(frame.data).toString());
    });
    return result;
  };
  return { stream, state, given, lost, reads, publish, resume };
}

describe('a stream', () => {
  test('fills a gap from the history before anything later', async () => {
    const { stream, state, given, lost, publish } = await startStream();
    await stream.open();
    await publish('1', '2');
    state.isDeaf = true;
    await publish('3', '4');
    state.isDeaf = false;
    // Both come while the gap is being read.
    await publish('5', '6');
    await until('all', () => given.length === 6);
    expect(given).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(lost).toEqual([]);
  });

  test('finds with a look at its position what was missed before a silence', async () => {
    const { stream, state, given, publish } = await startStream();
    await stream.open();
    await publish('1');
    state.isDeaf = true;
    await publish('2', '3');
    state.isDeaf = false;
    await stream.check();
    expect(given).toEqual(['1', '2', '3']);
  });

  test('tells where what was missed is not kept any more, and goes on behind it', async () => {
    const { stream, state, given, lost, publish, resume } = await startStream(3);
    await stream.open();
    const first = await publish('1');
    state.isDeaf = true;
    const last = await publish('2', '3', '4', '5', '6');
    state.isDeaf = false;
    await stream.check();
    expect(lost).toEqual([last]);
    await publish('7');
    expect(given).toEqual(['1', '7']);
    expect(await resume(first)).toBeUndefined();
    expect(await resume(last)).toEqual(['7']);
  });

  test('who resumes is served from what was sent; otherwise one read serves all, and it tells live ones nothing twice', async () => {
    const { stream, given, reads, publish, resume } = await startStream();
    const positions: Position[] = [];
    for (let i = 0; i < 20; i++) positions.push(await publish(`${i}`));
    await stream.open();
    reads.length = 0;
    const results = Promise.all(positions.slice(5).map((since) => resume(since)));
    const live = publish('live');
    const all = await results;
    await live;
    expect(all.map((missed) => missed!.filter((text) => text !== 'live').length)).toEqual(
      Array.from({ length: 15 }, (_, i) => 14 - i),
    );
    expect(reads).toHaveLength(1);
    expect(await resume(positions[4])).toEqual([...Array.from({ length: 15 }, (_, i) => `${i + 5}`), 'live']);
    expect(await resume(positions[6])).toHaveLength(14);
    // Neither too old nor ahead of what there is.
    expect(await resume({ ...positions[0]!, offset: 99 })).toBeUndefined();
    expect(given).toEqual(['live']);
  });
});
