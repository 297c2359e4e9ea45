/** Reloads under load: each reply is the one that it has to be, and nobody is closed. SHARDHUB_STORM_REPORT=1 prints how long messages took. */
import { readdirSync } from 'node:fs';
import type { HubOptions } from 'shardhub';
import { expect, test } from 'vitest';
import { CountingLoad, withSeed } from '../../support/faults/reload-storm.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const CONNECTIONS = 200;
const RELOADS = Number(process.env.SHARDHUB_STORM_RELOADS ?? 100);
const TIMEOUT_MS = 60_000 + 3000 * RELOADS;

function report(text: string): void {
  if (process.env.SHARDHUB_STORM_REPORT) process.stderr.write(`${text}\n`);
}

test.each<[string, HubOptions, (i: number) => string]>([
  ['serial', {}, () => ''],
  ['concurrent', { ordering: 'concurrent' }, () => ''],
  ['with affinity', { affinity: 'query:room' }, (i) => `?room=${i % 20}`],
])(
  `%s: ${RELOADS} reloads`,
  (name, options, query) =>
    withSeed(async (random) => {
      const { hub, log } = await startHub({ handler: fixture('reloads.mjs'), ...options });
      const load = new CountingLoad(hub, random);
      await load.start(CONNECTIONS, (i) => hub.wsUrl + query(i));
      await load.someAnswers();
      const pauses: number[] = [];
      report(`${name}, without a reload: ${load.takeDelays()}`);
      for (let i = 0; i < RELOADS; i++) {
        pauses.push((await hub.reload()).pauseMs);
        await load.someAnswers();
      }
      report(`${name}, with reloads: ${load.takeDelays()}`);
      pauses.sort((a, b) => a - b);
      const at = (share: number) => pauses[Math.floor(share * (pauses.length - 1))]!.toFixed(1);
      report(`${name}, pause of a shard: p50 ${at(0.5)} p99 ${at(0.99)} worst ${at(1)} of ${RELOADS}`);
      await load.end();
      expect(hub.stats()).toMatchObject({
        workerExits: 0,
        workers: 2,
        shards: [{ generation: RELOADS + 1 }, {}],
      });
      expect(log).toEqual([]);
    }),
  TIMEOUT_MS,
);

test('1, 4 and 2 workers under load: nothing is lost, and the gauges are right', () =>
  withSeed(async (random) => {
    const { hub, log } = await startHub({ handler: fixture('reloads.mjs'), workers: 1 });
    const load = new CountingLoad(hub, random);
    await load.start(CONNECTIONS);
    for (const workers of [4, 2]) {
      await load.someAnswers();
      await hub.resize(workers);
      await load.someAnswers();
      const { shards } = hub.stats();
      expect(shards).toHaveLength(workers);
      expect(shards.reduce((sum, { connections }) => sum + connections, 0)).toBe(CONNECTIONS);
    }
    await load.end();
    expect(hub.stats()).toMatchObject({
      workers: 2,
      workerExits: 0,
      connections: { open: CONNECTIONS },
      messages: { inFlight: 0, inFlightBytes: 0 },
    });
    expect(log).toEqual([]);
  }));

test(
  `${2 * RELOADS} reloads leave no thread, descriptor, port, listener or memory behind`,
  () =>
    withSeed(async (random) => {
      const { hub } = await startHub({ handler: fixture('reloads.mjs') });
      const load = new CountingLoad(hub, random);
      await load.start(10);
      const counts = () => ({
        threads: readdirSync('/proc/self/task').length,
        descriptors: readdirSync('/proc/self/fd').length,
        ports: process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length,
        listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
        // Rings, of which nothing is made anew.
        memoryMib: Math.round(process.memoryUsage().arrayBuffers / 2 ** 25) * 32,
      });
      const reload = async (times: number) => {
        for (let i = 0; i < times; i++) await hub.reload();
      };
      // What is made once, and what V8 keeps, is there.
      await reload(20);
      const before = counts();
      const rssBefore = process.memoryUsage.rss();
      await reload(2 * RELOADS);
      await load.end();
      const more = () =>
        Object.entries(counts()).filter(([name, count]) => count > before[name as 'threads']);
      await until(
        () => `${JSON.stringify(more())} to be no more than ${JSON.stringify(before)}`,
        () => more().length === 0,
      );
      const grownMib = (process.memoryUsage.rss() - rssBefore) / 1024 / 1024;
      report(`${2 * RELOADS} reloads: ${grownMib.toFixed(1)} MiB more`);
      // Of 52 MiB of rings for each of 400 threads, and their heaps, nothing may be left.
      expect(grownMib).toBeLessThan(100);
    }),
  TIMEOUT_MS,
);
