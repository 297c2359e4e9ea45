import { defineConfig } from 'vitest/config';

const FULL = 'test/**/*.full.test.ts';
/** Of what each engine is tested with: what no engine is part of, and what takes minutes and is about something else. */
const NO_ENGINE = [
  'test/hub/engine/{uws,node}/**',
  'test/hub/engine/engine-contract.test.ts',
  'test/hub/dispatch/{fairness,turn-bound}.test.ts',
  'test/hub/connection/{close-in-cork,engine-buffer,read-meter,properties.full}.test.ts',
  'test/hub/cluster/{nodes,stream,entries.full,raw-history.full,nats-hubs.full,partition.full,presence-churn.full,reconnect-storm.full}.test.ts',
  // The same storm is in crash-storm.full.
  'test/hub/pool/crash-storm.test.ts',
  'test/hub/pool/{debugger,reload-versions,watch,worker-memory}.full.test.ts',
  'test/workers/{handler-log,handler-modules,handler-options,hostile-values.full,pace,types,typescript.full}.test.ts',
];

export default defineConfig({
  test: {
    // Tests drive real sockets and worker threads: each file in a process of its own, so that
    // a process-wide check (memory, threads, listeners) sees its own file only.
    pool: 'forks',
    projects: [
      // Before each commit, `npm test`: four minutes on two cores. Many of its tests wait for a timer, so that one
      // worker more than cores keeps those busy; with two more, hooks get no core within their deadline.
      {
        extends: true,
        test: { name: 'commit', include: ['test/**/*.test.ts'], exclude: [FULL], maxWorkers: 3 },
      },
      // What takes long, or needs a browser or a registry, `npm run test:rest`: no test is in both.
      {
        extends: true,
        test: { name: 'full', include: [FULL], maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
      // What concerns sockets once more, on the engine that is not the default where both load: `npm run test:engines`.
      {
        extends: true,
        test: {
          name: 'engine-node',
          include: ['test/hub/**/*.test.ts', 'test/workers/**/*.test.ts'],
          exclude: NO_ENGINE,
          // The storms are as long as a run of six minutes allows.
          env: {
            SHARDHUB_TEST_ENGINE: 'node',
            SHARDHUB_STORM_DEATHS: '100',
            SHARDHUB_STORM_RELOADS: '10',
            SHARDHUB_CHURN: '10000',
            SHARDHUB_STORM: '1',
          },
          setupFiles: ['test/support/engines/setup.ts'],
          globalSetup: ['test/support/engines/print-table.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    // Of four thousand tests with real sockets, threads and memory, on a machine that others use too, one fails now and then:
    // it is tried again in CI, and named there (test/support/flaky-reporter.ts). Nobody's own run hides it.
    retry: process.env.CI ? 1 : 0,
    // On Bun, what it exports as a namespace is undefined where vitest leaves its import to the runtime.
    ...('Bun' in globalThis && { server: { deps: { inline: ['zod'] } } }),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
