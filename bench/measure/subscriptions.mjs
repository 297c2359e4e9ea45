/** Memory of the server's process for a subscription of a topic that others have too. */
import { requireOpenFiles } from '../lib/machine.mjs';
import { withClient } from './clients.mjs';

/**
 * `row.before` connections subscribe to `row.topics` topics, then `row.connections` more do: what a topic needs once is not in
 * the difference, nor what a connection needs.
 */
export async function measureSubscriptions({ child, row: { before, connections, topics } }) {
  requireOpenFiles(before + connections);
  return withClient('idle', async (client) => {
    await client.ask(`open ${child.port} ${before}`);
    await child.ask(`subscribe ${topics}`);
    await client.ask(`open ${child.port} ${connections}`);
    const without = await child.ask('memory');
    await child.ask(`subscribe ${topics}`);
    const all = await child.ask('memory');
    await client.ask('check');
    const count = connections * topics;
    return {
      bytesPerSubscription: (all.rss - without.rss) / count,
      heapBytesPerSubscription: (all.heap - without.heap) / count,
    };
  });
}
