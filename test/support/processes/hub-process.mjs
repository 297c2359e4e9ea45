/** Child process of processes.ts: one hub, commanded over the IPC channel. After `close` nothing here keeps the process alive. */
import { createHub } from 'shardhub';
import { engineUnderTest } from '../engines/under-test.mjs';

const { usersFromQuery, ...options } = JSON.parse(process.argv[2]);
const upgrade = ({ query }) => ({ data: { userId: new URLSearchParams(query).get('user') ?? undefined } });
const hub = await createHub({ ...engineUnderTest, ...(usersFromQuery && { upgrade }), ...options });

const commands = {
  stats: () => hub.stats(),
  peakMemory: () => process.resourceUsage().maxRSS * 1024,
  loops: () => performance.nodeTiming.uvMetricsInfo.loopCount,
  close: (options) => hub.close(options),
};

process.on('message', async ({ id, name, argument }) => {
  const value = await commands[name](argument);
  process.send({ id, value }, () => {
    if (name === 'close') process.disconnect();
  });
});

process.send({ port: hub.port, wsUrl: hub.wsUrl });
