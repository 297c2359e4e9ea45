/** The broker in memory: the contract, and the bounds of its history. */
import { describe, expect, test } from 'vitest';
import { MemoryBroker, MemoryExchange } from '../../src/broker/memory-broker.js';
import { MemoryHistory } from '../../src/broker/memory-history.js';
import { describeBroker, message } from '../support/broker/contract.js';

describeBroker('memory', () => {
  const exchange = new MemoryExchange();
  return Promise.resolve({ connect: () => new MemoryBroker(exchange), close: () => Promise.resolve() });
});

describe('the history in memory', () => {
  const bounds = { size: 1000, ttlMs: 1000 };
  const publish = (history: MemoryHistory, topic: string, text = 'x', to = bounds) =>
    history.append(topic, message(text), 'node', to, undefined).position;

  test('each publication goes when its time is over, whatever the order of their times', () => {
    let now = 0;
    const history = new MemoryHistory(() => now);
    const long = { size: 1000, ttlMs: 5000 };
    publish(history, 'long', '0', long);
    publish(history, 'short', '0');
    now = 500;
    const at = publish(history, 'short', '1');
    const textsOf = (topic: string) =>
      history.read(topic, undefined, 10).publications.map((one) => Buffer.from(one.message.data).toString());
    now = 1000;
    expect([textsOf('short'), textsOf('long')]).toEqual([['1'], ['0']]);
    now = 1500;
    expect([textsOf('short'), textsOf('long')]).toEqual([[], ['0']]);
    // Who has seen the last one has missed nothing, though it is gone.
    expect(history.read('short', at, 10)).toMatchObject({ reachesBack: true, position: at });
    now = 5000;
    expect(textsOf('long')).toEqual([]);
    expect(history.bytes).toBe(0);
  });

  test('all histories together keep so many bytes: the oldest go, and are known to be gone', () => {
    const history = new MemoryHistory(() => 0, 100_000);
    const first = publish(history, 'a', 'x'.repeat(10_000));
    const kept = publish(history, 'quiet', 'x', { size: 1, ttlMs: 9999 });
    for (let i = 0; i < 200; i++) {
      publish(history, `t${i % 7}`, 'x'.repeat(10_000), { size: 1000, ttlMs: 1000 + (i % 3) });
      expect(history.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(history.read('a', { ...first, offset: 0 }, 10).reachesBack).toBe(false);
    expect(history.read('a', first, 10).reachesBack).toBe(true);
    expect(history.read('quiet', kept, 10)).toMatchObject({ reachesBack: true, publications: [] });
  });

  test('bounds that change while publications are kept leave no gap, and nothing that is over its time or size', () => {
    let seed = 1;
    const below = (limit: number) => (seed = (seed * 48_271) % 0x7fffffff) % limit;
    let now = 0;
    const history = new MemoryHistory(() => now);
    const topics = ['a', 'b', 'c'].map((name) => ({
      name,
      size: 5,
      ttlMs: 100,
      floor: 0,
      kept: [] as { offset: number; expiresAt: number }[],
    }));
    const cut = (topic: (typeof topics)[number], count: number) => {
      topic.floor = topic.kept.splice(0, count).at(-1)?.offset ?? topic.floor;
    };
    for (let step = 0; step < 1000; step++) {
      now += below(20);
      for (const topic of topics) cut(topic, topic.kept.findLastIndex((one) => one.expiresAt <= now) + 1);
      const topic = topics[below(3)]!;
      if (below(10) === 0) Object.assign(topic, { size: 1 + below(8), ttlMs: [10, 50, 100, 400][below(4)] });
      const { offset, epoch } = publish(history, topic.name, 'x', topic);
      topic.kept.push({ offset, expiresAt: now + topic.ttlMs });
      cut(topic, Math.max(0, topic.kept.length - topic.size));
      for (const { name, kept, floor } of topics) {
        const since = Math.max(0, floor - below(2));
        const read = history.read(name, { offset: since, epoch }, 100);
        const offsets = read.publications.map((one) => one.offset);
        expect([offsets, read.reachesBack]).toEqual([kept.map((one) => one.offset), since >= floor]);
      }
    }
    now += 1000;
    history.expire();
    expect(history.bytes).toBe(0);
  });

  test('a topic that was forgotten is not taken for one that never was', () => {
    let now = 0;
    const history = new MemoryHistory(() => now);
    const told = publish(history, 'old');
    const missed = publish(history, 'old');
    now = 2000;
    for (let i = 0; i < 100_001; i++) publish(history, `t${i}`, '');
    now = 4000;
    history.expire();
    expect(history.read('old', told, 10)).toMatchObject({ reachesBack: false, publications: [] });
    const next = publish(history, 'old');
    expect(next.offset).toBeGreaterThan(missed.offset);
    expect(history.read('old', told, 10).reachesBack).toBe(false);
  });
});
