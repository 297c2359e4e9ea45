/** Round trips of a ping, and what it costs, while another node publishes at a fixed rate to subscribers that are here. */
import { setTimeout } from 'node:timers/promises';
import { requireOpenFiles } from '../lib/machine.mjs';
import { withClient } from './clients.mjs';
import { clientFigures, withCpu } from './cpu.mjs';
import { Subscribers } from './subscribers.mjs';

const SETTLE_MS = 200;

/** `row.subscribers` topics with one subscriber each; every one of them gets every message, once and in order. */
export async function measureFanIn({ child, row, settings }) {
  const { subscribers: count, size, rate, intervalMs } = row;
  requireOpenFiles(count);
  const subscribers = new Subscribers(size);
  let failure;
  try {
    await subscribers.open(child.port, count);
    subscribers.onProgress = (error) => {
      failure ??= error;
    };
    return await withClient('ping', async (client) => {
      // What is to be sent here has to be known to the server.
      await setTimeout(SETTLE_MS);
      await child.ask(`start ${rate} ${count} ${size}`);
      await setTimeout(settings.warmup * 1000);
      const cpuBefore = process.cpuUsage();
      let pings;
      const { value, cpu } = await withCpu(child, async () => {
        const [start, before] = [performance.now(), subscribers.delivered];
        pings = await client.ask(`measure ${child.port} ${settings.seconds * 1000} ${intervalMs}`);
        return { count: subscribers.delivered - before, seconds: (performance.now() - start) / 1000 };
      });
      const clientCpu = clientFigures(cpuBefore, value.seconds);
      const { published } = await child.ask('stop');
      await subscribers.all(published);
      if (failure !== undefined) throw failure;
      return {
        pingP50: pings.p50,
        pingP99: pings.p99,
        pingMax: pings.max,
        deliveriesPerSecond: value.count / value.seconds,
        ...cpu,
        ...clientCpu,
      };
    });
  } finally {
    subscribers.close();
  }
}
