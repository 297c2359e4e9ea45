/** Memory of the server's process for a connection that does nothing. */
import { requireOpenFiles } from '../lib/machine.mjs';
import { withClient } from './clients.mjs';
import { withCpu } from './cpu.mjs';

/**
 * The memory is read twice, with `row.before` connections and with `row.connections` more, so that what a process
 * needs once (compiled code, the first buffers) is not in the difference.
 */
export async function measureIdle({ child, row }) {
  requireOpenFiles(row.before + row.connections);
  return withClient('idle', async (client) => {
    await client.ask(`open ${child.port} ${row.before}`);
    const before = await child.ask('memory');
    const { cpu } = await withCpu(child, async () => {
      const start = performance.now();
      await client.ask(`open ${child.port} ${row.connections}`);
      return { count: row.connections, seconds: (performance.now() - start) / 1000 };
    });
    const after = await child.ask('memory');
    await client.ask('check');
    return {
      bytesPerConnection: (after.rss - before.rss) / row.connections,
      heapBytesPerConnection: (after.heap - before.heap) / row.connections,
      ...cpu,
    };
  });
}
