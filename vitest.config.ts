import { defineConfig } from 'vitest/config';

const FULL = 'test/**/*.full.test.ts';

export default defineConfig({
  test: {
    // Tests drive real sockets and worker threads: each file in a process of its own, so that
    // a process-wide check (memory, threads, listeners) sees its own file only.
    pool: 'forks',
    projects: [
      // Before each commit, `npm test`: three minutes on two cores. Many of its tests wait for a timer, so that one
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
          exclude: ['test/hub/engine/{uws,node}/**', 'test/hub/engine/engine-contract.test.ts'],
          env: { SHARDHUB_TEST_ENGINE: 'node' },
          setupFiles: ['test/support/engines/setup.ts'],
          globalSetup: ['test/support/engines/print-table.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
