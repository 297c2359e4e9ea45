/** The sampler of latencies: which messages it measures, when a measurement ends, and how many it takes. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { LatencySampler } from '../../src/telemetry/latency.js';

class Source {
  inFlight = 0;
  isCut = false;
}

function setup(perSecond = 100) {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const sampler = new LatencySampler(perSecond);
  const accept = (source: Source) => {
    source.inFlight++;
    sampler.onAccepted(source);
  };
  const finish = (source: Source) => {
    source.inFlight--;
    sampler.onDone(source, 1);
  };
  return { sampler, accept, finish, wait: (ms: number) => vi.advanceTimersByTime(ms) };
}

describe('a message', () => {
  test('is measured from its acceptance to the end of its own record, behind those before it', () => {
    const { sampler, accept, finish, wait } = setup();
    const source = new Source();
    source.inFlight = 2;
    accept(source);
    wait(5);
    finish(source);
    finish(source);
    wait(2);
    expect(sampler.tick()).toBeUndefined();
    finish(source);
    expect(sampler.tick()).toEqual({ p50Ms: 7, p99Ms: 7, samples: 1 });
  });

  test('of another connection does not end the measurement, nor does one that nobody knows', () => {
    const { sampler, accept, finish } = setup();
    const [source, other] = [new Source(), new Source()];
    other.inFlight = 1;
    accept(source);
    finish(other);
    sampler.onDone(undefined, 1);
    expect(sampler.tick()).toBeUndefined();
    finish(source);
    expect(sampler.tick()?.samples).toBe(1);
  });

  test('whose connection is cut, or whose worker died, is not measured to the end', () => {
    const { sampler, accept, finish } = setup();
    const [cut, restarted] = [new Source(), new Source()];
    accept(cut);
    cut.isCut = true;
    sampler.tick();
    finish(cut);
    accept(restarted);
    sampler.forget();
    finish(restarted);
    expect(sampler.tick()).toBeUndefined();
  });
});

describe('samples', () => {
  test('give the percentiles by the nearest rank, and leave after ten seconds', () => {
    const { sampler, accept, finish, wait } = setup(1000);
    const sources = Array.from({ length: 100 }, () => new Source());
    for (const source of sources) accept(source);
    for (const source of sources) {
      wait(1);
      finish(source);
    }
    expect(sampler.tick()).toEqual({ p50Ms: 50, p99Ms: 99, samples: 100 });
    for (let i = 0; i < 9; i++) expect(sampler.tick()?.samples).toBe(100);
    expect(sampler.tick()).toBeUndefined();
  });

  test('are so many a second at most, and spread over it', () => {
    const { sampler, accept, finish } = setup(20);
    const second = () => {
      const taken: number[] = [];
      const spy = vi.spyOn(performance, 'now').mockImplementation(() => 0);
      for (let i = 0; i < 1000; i++) {
        const source = new Source();
        const before = spy.mock.calls.length;
        accept(source);
        if (spy.mock.calls.length > before) taken.push(i);
        finish(source);
      }
      spy.mockRestore();
      sampler.tick();
      return taken;
    };
    expect(second()).toEqual(Array.from({ length: 20 }, (_, i) => i));
    // From what the second before was like.
    const spread = second();
    expect(spread).toHaveLength(20);
    expect(spread.at(-1)! - spread[0]!).toBeGreaterThan(900);
  });
});
