/**
 * A stream to a peer that reads slowly takes constant memory, and nobody else waits for it.
 *
 * SHARDHUB_STREAM_MB and SHARDHUB_STREAM_RATE (MB/s) set other numbers; `npm run soak` streams a gigabyte at 20 MB/s.
 */
import { expect, test } from 'vitest';
import { RawClient } from '../support/clients/raw-client.js';
import { throttle } from '../support/clients/throttle.js';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture } from '../support/servers/hubs.js';
import { startMeasuredHub } from '../support/servers/measured-hub.js';

const MB = 1_000_000;
const MEGABYTES = Number(process.env.SHARDHUB_STREAM_MB ?? 200);
const RATE = Number(process.env.SHARDHUB_STREAM_RATE ?? 80) * MB;
const SIZE = 50_000;
const COUNT = (MEGABYTES * MB) / SIZE;

test.each([
  ['async', 1],
  ['sync', 1],
  ['sync', 0],
])('%s generator, workers: %i', { timeout: 600_000 }, async (way, workers) => {
  // Bounds that would let all of it wait in memory.
  const hub = await startMeasuredHub({
    handler: fixture('streams.mjs').href,
    workers,
    maxQueueBytes: 4e9,
    maxQueueMessages: 1e7,
    maxBufferedBytes: 6e10,
  });
  const client = await RawClient.open(hub.port);
  throttle(client, RATE);
  const other = await WsClient.connect(hub.wsUrl);
  const before = (await hub.level()).rss;
  client.text(`${way} ${COUNT} ${SIZE}`);
  for (let i = 0; i < COUNT; i++) {
    const frame = await client.nextFrame();
    if (frame?.payload.length !== SIZE || frame.payload.readUInt32BE() !== i)
      throw new Error(`item ${i} is missing`);
    if (i % 500 === 0) expect(await other.ask(`beside ${i}`)).toBe(`beside ${i}`);
  }
  client.text('after');
  expect((await client.nextFrame())?.payload.toString()).toBe('after');
  const peak = await hub.peakMemory();
  const { queuedBytes } = (await hub.stats()).outbound;
  if (process.env.SHARDHUB_STREAM_MB)
    console.log(`${way}, workers: ${workers}: peak ${Math.round(peak / 2 ** 20)} MiB`);
  expect(queuedBytes).toBe(0);
  expect(peak - before).toBeLessThan(100 * 2 ** 20);
  expect(peak).toBeLessThan(200 * 2 ** 20);
  client.destroy();
});
