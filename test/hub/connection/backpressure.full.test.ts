/** Clients that ask for a gigabyte and read nothing of it: memory stays bounded, and others lose nothing. */
import { describe, expect, test } from 'vitest';
import { RawClient } from '../../support/clients/raw-client.js';
import { connectMany, type WsClient } from '../../support/clients/ws-client.js';
import { startHubProcess } from '../../support/processes/processes.js';
import { makeMessage } from '../../support/protocol/traffic.js';
import { fixture } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const KIB = 1024;
const MIB = 1024 * KIB;

async function echoes(client: WsClient, seed: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const sent = makeMessage(seed, i);
    client.socket.send(sent.data, { binary: sent.isBinary });
    const { data, isBinary } = await client.next();
    if (isBinary !== sent.isBinary || !data.equals(sent.data))
      throw new Error(`echo ${i} of ${seed} is wrong`);
  }
}

describe.each(['close', 'drop-newest', 'drop-oldest'] as const)('slowConsumer: %s', (slowConsumer) => {
  test('a client that keeps asking for 1 GiB and reads nothing: memory is bounded, 50 others lose nothing', async () => {
    const handler = fixture('replies.mjs').href;
    const asked = 4096;
    // All that is asked for may be in flight at once: what is looked at here is the way out.
    const limits = { maxQueueBytes: 8 * MIB, maxInFlight: 2 * asked };
    const hub = await startHubProcess({ handler, slowConsumer, ...limits, logLevel: 'silent' });
    const others = await connectMany(hub.wsUrl, 50);
    await Promise.all(others.map((client, seed) => echoes(client, seed, 20)));
    const before = await hub.peakMemory();

    const stalled = await RawClient.open(hub.port);
    stalled.pause();
    const asking = (async () => {
      for (let i = 0; i < asked; i++) {
        stalled.text(`reply ${i} ${256 * KIB}`);
        await stalled.flushed();
      }
    })();
    await Promise.all(others.map((client, seed) => echoes(client, seed, 60)));
    await asking;
    await until('the stalled client’s messages to be worked off', async () => {
      const { messages, dropped } = await hub.stats();
      const isOver =
        slowConsumer === 'close' ? dropped['slow-consumer']! > 0 : messages.received === asked + 50 * 80;
      return isOver && messages.inFlight === 0;
    });

    const grown = (await hub.peakMemory()) - before;
    expect(grown).toBeLessThan(400 * MIB);
    const { dropped, connections, outbound } = await hub.stats();
    expect(outbound.queuedBytes).toBeLessThanOrEqual(8 * MIB);
    expect(dropped[slowConsumer === 'close' ? 'slow-consumer' : slowConsumer]).toBeGreaterThan(0);
    expect(connections.closed[1008] ?? 0).toBe(slowConsumer === 'close' ? 1 : 0);
    expect(others.map((client) => client.waiting)).toEqual(Array(50).fill(0));
    await Promise.all(others.map((client, seed) => echoes(client, seed, 5)));
    stalled.destroy();
    await hub.close();
    expect(await hub.exited).toMatchObject({ code: 0 });
  });
});
