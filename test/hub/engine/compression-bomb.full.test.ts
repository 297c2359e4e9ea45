/** permessage-deflate (RFC 7692): a bomb costs nothing. */
import { constants, createDeflateRaw } from 'node:zlib';
import { expect, test } from 'vitest';
import { RawClient } from '../../support/clients/raw-client.js';
import { byEngine } from '../../support/engines/under-test.mjs';
import { encodeFrame, Opcode } from '../../support/protocol/frames.js';
import { startMeasuredHub } from '../../support/servers/measured-hub.js';

const OFFER = { headers: { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' } };
const MIB = 1024 * 1024;
/** Engine uws ends it without a close frame. */
const CODE = byEngine({ uws: 1006, node: 1009 });

/** What a message's payload is when it is compressed (RFC 7692 §7.2.1). */
async function deflateZeros(size: number): Promise<Buffer> {
  const deflate = createDeflateRaw({ level: 9, finishFlush: constants.Z_SYNC_FLUSH });
  const parts: Buffer[] = [];
  deflate.on('data', (part) => parts.push(part));
  const ended = new Promise((resolve) => deflate.once('end', resolve));
  const chunk = Buffer.alloc(8 * MIB);
  for (let left = size; left > 0; left -= chunk.length) {
    if (!deflate.write(chunk)) await new Promise((resolve) => deflate.once('drain', resolve));
  }
  deflate.end();
  await ended;
  return Buffer.concat(parts).subarray(0, -4);
}

test.each(['shared', 'dedicated'] as const)(
  '%s: a bomb of 1 GB in 1 MB is cut, and costs no memory',
  async (compression) => {
    const hub = await startMeasuredHub({ compression, maxPayload: MIB, workers: 1, handler: 'echo' });
    const bomb = await deflateZeros(1024 * MIB);
    expect(bomb.length).toBeLessThan(2 * MIB);
    const before = await hub.peakMemory();
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(hub.port, OFFER)));
    for (const client of clients) client.write(encodeFrame({ opcode: Opcode.Binary, rsv: 4, payload: bomb }));
    for (const client of clients) expect((await client.readToEnd()).code).toBe(CODE);
    expect((await hub.peakMemory()) - before).toBeLessThan(100 * MIB);
  },
);
