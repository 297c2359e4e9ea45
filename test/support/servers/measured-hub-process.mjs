/** Child process of measured-hub.ts: one hub, commanded over the IPC channel, that tells what it holds of the process. Started with --expose-gc. */
import { readFileSync } from 'node:fs';
import { createHub } from 'shardhub';
import { engineUnderTest } from '../engines/under-test.mjs';

const hub = await createHub({ ...engineUnderTest, ...JSON.parse(process.argv[2]) });

/** Peak resident memory. The figure of `resourceUsage` begins with that of the process that started this one. */
function peakMemory() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
}

const commands = {
  stats: () => hub.stats(),
  peakMemory,
  level: async () => {
    // What finalizers let go of is for the next collection.
    for (let i = 0; i < 4; i++) {
      global.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, heap: heapUsed, external, resources: process.getActiveResourcesInfo().sort() };
  },
  close: (options) => hub.close(options),
  leave: () => undefined,
};

process.on('message', async ({ id, name, argument }) => {
  const value = await commands[name](argument);
  process.send({ id, value }, () => {
    if (name === 'leave') process.disconnect();
  });
});

process.send({ port: hub.port, url: hub.url, wsUrl: hub.wsUrl });
