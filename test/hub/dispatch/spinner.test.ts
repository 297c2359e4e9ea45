/** The spinner: when threads look in a loop before they sleep, and when `auto` finds that this does not pay. */
import { describe, expect, test } from 'vitest';
import { SpinGate } from '../../../src/hub/dispatch/spin-gate.js';
import { cpuQuota, IdleCores, usableCores } from '../../../src/util/idle-cores.js';
import { MayLook, type Spin, Spinner } from '../../../src/util/spinner.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

function setup(spin: Spin) {
  // Each reading takes 5 µs.
  const clock = {
    nowMs: 0,
    now: () => {
      clock.nowMs += 0.005;
      return clock.nowMs;
    },
  };
  const counts = { looks: 0, lookHits: 0 };
  const gate = Int32Array.of(MayLook.All);
  const spinner = new Spinner(spin, gate, MayLook.All, counts, clock.now);
  /** True when it looked. */
  const looks = (isThere: () => boolean) => {
    const before = counts.looks;
    spinner.look(isThere);
    return counts.looks > before;
  };
  return {
    clock,
    counts,
    gate,
    spinner,
    hit: () => looks(() => true),
    miss: () => looks(() => false),
    looks,
  };
}

describe('a number', () => {
  test('looks for so long, whatever comes of it', () => {
    const { clock, counts, spinner, miss } = setup(50);
    for (let i = 0; i < 100; i++) {
      const start = clock.nowMs;
      expect(miss()).toBe(true);
      expect(clock.nowMs - start).toBeCloseTo(0.055, 2);
    }
    expect(spinner.look(() => true)).toBe(true);
    expect(spinner.look(() => false)).toBe(false);
    expect(counts).toEqual({ looks: 102, lookHits: 1 });
  });
});

describe('auto', () => {
  test('looks while that pays, and the gate is open', () => {
    const { clock, gate, hit, miss } = setup('auto');
    for (let i = 0; i < 1000; i++) {
      expect(hit()).toBe(true);
      if (i % 2 === 0) expect(miss()).toBe(true);
      clock.nowMs += 5;
    }
    for (const others of [MayLook.Nobody, MayLook.IoThread]) {
      gate[0] = others;
      expect(hit()).toBe(false);
    }
    gate[0] = MayLook.All;
    expect(hit()).toBe(true);
  });

  test('pauses after some misses, for longer each time, and comes back when it pays again', () => {
    const { clock, counts, hit, miss } = setup('auto');
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      const before = counts.looks;
      while (miss());
      expect(counts.looks - before).toBeLessThan(50);
      const start = clock.nowMs;
      while (!miss()) clock.nowMs += 5;
      pauses.push(Math.round((clock.nowMs - start) / 10) * 10);
    }
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1600, 1600]);
    for (let i = 0; i < 200; i++) expect(hit()).toBe(true);
    while (miss());
    clock.nowMs += 60;
    expect(miss()).toBe(true);
  });

  test('takes a hit that came too late for a miss: its thread was kept from its core', () => {
    const { clock, looks, hit } = setup('auto');
    const late = () => {
      clock.nowMs += 3;
      return true;
    };
    for (let i = 0; i < 50; i++) looks(late);
    expect(hit()).toBe(false);
  });
});

describe('the gate', () => {
  function setupGate({ spin = 'auto' as Spin, workers = 1, cores = 2 } = {}) {
    const world = { nowMs: 0, idleCores: 1 };
    const source = { now: () => world.nowMs, idleCores: () => world.idleCores };
    const gate = new SpinGate(spin, workers, () => source, cores);
    /** What it says some time later, with so much in flight at each sleep until then. */
    const levelAfter = (ms: number, inFlight = 1) => {
      for (const end = world.nowMs + ms; world.nowMs < end; world.nowMs += 1) gate.update(inFlight);
      return gate.word[0];
    };
    return { world, levelAfter };
  }

  test('opens once cores have been idle, while few records are in flight', () => {
    const { levelAfter } = setupGate();
    expect(levelAfter(90)).toBe(MayLook.Nobody);
    expect(levelAfter(20)).toBe(MayLook.All);
    expect(levelAfter(100, 10)).toBe(MayLook.Nobody);
    expect(levelAfter(100, 3)).toBe(MayLook.IoThread);
    expect(levelAfter(100, 1)).toBe(MayLook.All);
  });

  test('is shut where cores are busy, and opens when they are idle again', () => {
    const { world, levelAfter } = setupGate();
    expect(levelAfter(200)).toBe(MayLook.All);
    // Those that look take what was idle, but for this.
    world.idleCores = 0.3;
    expect(levelAfter(5000)).toBe(MayLook.All);
    world.idleCores = 0.1;
    expect(levelAfter(300)).toBe(MayLook.Nobody);
    // So much is left while nobody looks.
    world.idleCores = 0.5;
    expect(levelAfter(5000)).toBe(MayLook.Nobody);
    world.idleCores = 1;
    expect(levelAfter(2000)).toBe(MayLook.All);
  });

  test.each([
    { cores: 1 },
    { cores: 2, workers: 2 },
    { cores: 1.5 },
    { workers: 0 },
    { workers: 0, spin: 50 },
    { spin: 0 },
  ])('is shut for good with %o', (options) => {
    expect(setupGate(options).levelAfter(10_000)).toBe(MayLook.Nobody);
  });

  test('is open for good where a number was given', () => {
    expect(setupGate({ spin: 50, cores: 1 }).levelAfter(1, 100)).toBe(MayLook.All);
  });
});

describe('the quota of the control groups', () => {
  test.each<[string, Record<string, string>, number]>([
    ['version 2', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' }, 1.5],
    [
      'version 2, the least of those above',
      {
        '/proc/self/cgroup': '0::/system.slice/hub.service\n',
        '/sys/fs/cgroup/system.slice/hub.service/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/system.slice/cpu.max': '200000 100000\n',
      },
      2,
    ],
    [
      'version 2, its own',
      { '/proc/self/cgroup': '0::/hub\n', '/sys/fs/cgroup/hub/cpu.max': '50000 100000\n' },
      0.5,
    ],
    [
      'version 1, in a container',
      {
        '/proc/self/cgroup': '4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      0.5,
    ],
    [
      'version 1 without one',
      {
        '/proc/self/cgroup': '3:cpu,cpuacct:/\n0::/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      Number.POSITIVE_INFINITY,
    ],
    ['none', {}, Number.POSITIVE_INFINITY],
  ])('%s', (_, files, cores) => {
    expect(cpuQuota((path) => files[path])).toBe(cores);
  });
});

test.each(['auto', 1000] as const)(
  'a hub with spin: %s answers in order, and tells of its looks',
  async (spin) => {
    const { hub } = await startHub({ workers: 1, spin });
    const client = await WsClient.connect(hub.wsUrl);
    for (let i = 0; i < 50; i++) expect(await client.ask(`${i}`)).toBe(`${i}`);
    if (spin !== 'auto')
      await until('a look that finds its reply', async () => {
        await client.ask('once more');
        return hub.stats().spin.hits > 0;
      });
    const { looks, hits } = hub.stats().spin;
    expect(looks).toBeGreaterThanOrEqual(hits);
  },
);

test('what this process uses is not idle', () => {
  const meter = new IdleCores(usableCores());
  const start = performance.now();
  const { user, system } = process.cpuUsage();
  while (process.cpuUsage().user + process.cpuUsage().system - user - system < 50_000);
  const now = performance.now();
  expect(meter.read(now)).toBeLessThan(usableCores() - 49 / (now - start + 1));
});
