/** `overload: 'pause'` where it takes time to see: what a flooding peer costs in memory, and that heartbeats hold. */
import { expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { encodeFrame, Opcode } from '../../support/protocol/frames.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { startMeasuredHub } from '../../support/servers/measured-hub.js';
import { until } from '../../support/until.js';

const MIB = 1024 * 1024;

test.each([
  ['small messages', 64, 1000, 1000 * (64 + 512)],
  ['messages of 16 KiB', 16 * 1024, 10_000, 4 * MIB],
])(
  'a peer that floods a slow handler takes its bound and 2 MiB: %s',
  async (_name, size, maxInFlight, bound) => {
    const barriers = new Barriers();
    const hub = await startMeasuredHub({
      engine: 'node',
      workers: 1,
      handler: fixture('gates.mjs').href,
      maxInFlight,
      maxInFlightBytesPerConnection: 4 * MIB,
    });
    const path = `/ws?dir=${encodeURIComponent(barriers.dir)}`;
    const burst = Buffer.concat(
      Array(Math.ceil(MIB / size)).fill(encodeFrame({ opcode: Opcode.Binary, payload: Buffer.alloc(size) })),
    );
    // Whatever is allocated once is there: code, rings, the engine's memory for what it reads.
    const first = await WsClient.connect(hub.wsUrl);
    for (let i = 0; i < 500; i++) first.send(Buffer.alloc(size));
    await first.collect(500);
    const before = await hub.level();
    const client = await RawClient.open(hub.port, { path });
    client.text('wait');
    let isFull = false;
    while (!isFull) {
      client.write(burst);
      await Promise.race([
        client.flushed(),
        until('the pause', async () => (await hub.stats()).readPauses > 0),
      ]);
      isFull = (await hub.stats()).readPauses > 0 && client.socket.writableNeedDrain;
    }
    const after = await hub.level();
    const held = after.heap + after.external - before.heap - before.external;
    expect(held, `${(held / MIB).toFixed(1)} MiB`).toBeLessThan(bound + 2 * MIB);
    // The allocator's own share of it is 1 to 3 MiB from run to run: what grows with the flood is more than that.
    const resident = after.rss - before.rss;
    expect(resident, `${(resident / MIB).toFixed(1)} MiB resident`).toBeLessThan(bound + 8 * MIB);
    barriers.lift('release');
  },
);

test('a paused peer is pinged, and is not given up though its pongs lie unread', async () => {
  const barriers = new Barriers();
  const { hub } = await startHub({
    engine: 'node',
    handler: fixture('gates.mjs'),
    maxInFlight: 10,
    idleTimeout: 8,
  });
  const client = await WsClient.connect(barriers.url(hub.wsUrl));
  let pings = 0;
  client.socket.on('ping', () => void pings++);
  client.send('wait');
  for (let i = 0; i < 100; i++) client.send('more');
  await until('the pause', () => hub.stats().readPauses === 1);
  const [connection] = hub.connections();
  // Its pong is read once the peer is.
  const roundTrip = connection!.ping(undefined, { timeoutMs: 100 });
  // Twice as long as a silent peer may be silent.
  await until('four pings', () => pings >= 4);
  expect(hub.stats().connections).toMatchObject({ open: 1, timedOut: 0 });
  barriers.lift('release');
  await client.collect(101);
  expect(await roundTrip).toBeGreaterThan(1000);
});
