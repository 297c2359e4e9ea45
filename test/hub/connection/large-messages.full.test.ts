/** Large messages: no size is a border, and what a polite client makes a hub's memory grow by does not depend on how many it sends. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { giveBack, takeCopy } from '../../../src/hub/connection/copies.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { encodeFrame, Opcode } from '../../support/protocol/frames.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { startMeasuredHub } from '../../support/servers/measured-hub.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** docs/reliability.md. */
const MAX_GROWTH = 64 * MIB;
const TRAFFIC = 160 * MIB;

test.each([
  ['echo', 1, 1_000_000, 1],
  ['echo', 1, 300_000, 2],
  ['echo', 1, 1_000_000, 8],
  ['done', 1, 1_000_000, 1],
  ['replies.mjs', 1, 1_000_000, 2],
  ['echo', 0, 1_000_000, 1],
  ['done', 0, 300_000, 2],
])(
  '%s, workers: %i, messages of %i bytes, %i in flight: memory is bounded',
  // What V8 has not collected yet depends on when its own threads get a core.
  { retry: 2 },
  async (name, workers, size, inFlight) => {
    const handler = name.endsWith('.mjs') ? fixture(name).href : name;
    const hub = await startMeasuredHub({ handler, workers });
    const client = await RawClient.open(hub.port);
    const frame = encodeFrame({ opcode: Opcode.Text, payload: 'x'.repeat(size) });
    const before = await hub.peakMemory();
    const count = Math.ceil(TRAFFIC / size);
    for (let sent = 0, answered = 0; answered < count; answered++) {
      for (; sent < Math.min(count, answered + inFlight); sent++) client.write(frame);
      const reply = await client.nextFrame();
      if (reply === undefined || reply.payload.length < size)
        throw new Error(`reply ${answered} is not whole`);
    }
    expect((await hub.peakMemory()) - before).toBeLessThan(MAX_GROWTH);
  },
);

test.each([
  ['echo', 1],
  ['done', 1],
  ['echo', 0],
  ['done', 0],
])('%s, workers: %i: around every border, with a small message behind', async (handler, workers) => {
  const { hub } = await startHub({
    workers,
    handler,
    maxPayload: 16 * MIB,
    maxInFlightBytesPerConnection: 32 * MIB,
  });
  const client = await WsClient.connect(hub.wsUrl);
  const borders = [64 * KIB, 256 * KIB, MIB, 4 * MIB].flatMap((at) => [at - 29, at - 24, at - 5, at, at + 1]);
  for (const size of [...borders, 16 * MIB]) {
    const text = randomBytes(size).toString('base64').slice(0, size);
    client.send(text);
    client.send('small');
    const ending = handler === 'done' ? ' done' : '';
    expect((await client.next()).data.equals(Buffer.from(text + ending))).toBe(true);
    expect((await client.next()).data.toString()).toBe(`small${ending}`);
  }
});

test('a copy that waits takes hardly more memory than bounds count, and memory of any size is used again', () => {
  const bytes = Buffer.alloc(3 * MIB, 'x');
  for (const size of [64 * KIB, 65_537, 70_000, 300_000, 1_000_000, MIB + 1, 3 * MIB]) {
    const copies = Array.from({ length: 20 }, () => takeCopy(bytes.subarray(0, size)));
    for (const copy of copies) {
      expect(Buffer.compare(copy, bytes.subarray(0, size))).toBe(0);
      expect(copy.buffer.byteLength).toBeLessThanOrEqual(1.125 * size);
      giveBack(copy);
    }
    // Not pushed out by what was given back before.
    expect(copies.map(({ buffer }) => buffer)).toContain(takeCopy(bytes.subarray(0, size)).buffer);
  }
});
