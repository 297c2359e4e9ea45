/** Clients that stop reading and read on: they get everything. */

import { Prng } from 'shardhub/testing';
import { expect, test } from 'vitest';
import { RawClient } from '../../support/clients/raw-client.js';
import { counted } from '../../support/counters.js';
import type { Frame } from '../../support/protocol/frames.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { turn, until } from '../../support/until.js';

const KIB = 1024;
const MIB = 1024 * KIB;

function checkReply(frame: Frame | undefined, label: number, size: number): void {
  const expected = Buffer.alloc(size, 'x');
  expected.write(`${label} `);
  if (!frame?.payload.equals(expected))
    throw new Error(`reply ${label} of ${size} bytes is not what was asked for`);
}

test.each([64 * KIB, MIB])(
  'a client that pauses and reads on gets everything (highWaterMark %i)',
  async (highWaterMark) => {
    const { hub } = await startHub({
      handler: fixture('replies.mjs'),
      highWaterMark,
      maxQueueBytes: 64 * MIB,
    });
    const client = await RawClient.open(hub.port);
    const random = new Prng(highWaterMark);
    for (let round = 0; round < 25; round++) {
      const sizes: number[] = [];
      client.pause();
      // Ask until the kernel and the engine have taken what they can, and a few times more.
      for (let extra = random.int(1, 10); extra > 0; ) {
        sizes.push(random.chance(0.5) ? random.int(16 * KIB, 64 * KIB) : random.int(64 * KIB, MIB));
        client.text(`reply ${sizes.length} ${sizes.at(-1)}`);
        if (sizes.length % 8 === 0) await until('the replies', () => hub.stats().messages.inFlight === 0);
        if (hub.stats().outbound.queuedMessages > 0) extra--;
        await turn();
      }
      client.resume();
      for (const [index, size] of sizes.entries()) {
        checkReply(await client.nextFrame(), index + 1, size);
        if (!random.chance(0.1)) continue;
        client.pause();
        for (let turns = random.int(1, 20); turns > 0; turns--) await turn();
        client.resume();
      }
      await until('the queue to be empty', () => hub.stats().outbound.queuedBytes === 0);
    }
    const { dropped, connections } = hub.stats();
    expect(counted(dropped)).toEqual({});
    expect(connections.open).toBe(1);
  },
);
