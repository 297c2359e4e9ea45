import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests drive real sockets and worker threads: one file at a time, each in a process of its own, so that
    // a process-wide check (memory, threads, listeners) sees its own file only.
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
