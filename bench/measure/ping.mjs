/** Round trips of protocol pings on a connection of their own, while a load saturates the server's handlers. */
import { withClient } from './clients.mjs';
import { CpuMeter } from './cpu.mjs';
import { runCheckedLoad, windowOf } from './echo.mjs';

/** About so long is the load there before the pings begin and after they end. */
const MARGIN_MS = 500;

export async function measurePing({ child, server, row, settings }) {
  const { warmupMs, durationMs: pingMs } = windowOf(settings);
  const load = { ...row.load, warmupMs, durationMs: pingMs + 2 * MARGIN_MS };
  const meter = new CpuMeter(child);
  let onSaturated;
  const saturated = new Promise((resolve) => {
    onSaturated = resolve;
  });
  const onProgress = (progress) => {
    meter.onProgress(progress);
    if (progress.phase === 'measure') onSaturated();
  };
  return withClient('ping', async (client) => {
    const [{ messagesPerSecond }, { p50, p99, max }] = await Promise.all([
      runCheckedLoad(child.wsUrl, load, server, { onProgress }),
      saturated.then(() => client.ask(`measure ${child.port} ${pingMs} ${row.intervalMs}`)),
    ]);
    return { pingP50: p50, pingP99: p99, pingMax: max, messagesPerSecond, ...(await meter.figures()) };
  });
}
