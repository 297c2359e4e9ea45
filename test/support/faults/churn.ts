/** Short lives of connections: each ends at a random point, in a random way. */

import type { Prng } from 'shardhub/testing';
import { handshakeRequest, RawClient } from '../clients/raw-client.js';
import { encodeFrame, Opcode } from '../protocol/frames.js';
import { turn } from '../until.js';

const KIB = 1024;

type Life = (port: number, random: Prng) => Promise<void>;

async function turns(random: Prng, most: number): Promise<void> {
  for (let left = random.int(0, most); left > 0; left--) await turn();
}

/** Gone: with a FIN, or with a reset. */
function vanish(client: RawClient, random: Prng): void {
  if (random.chance(0.5)) client.destroy();
  else client.socket.resetAndDestroy();
}

/** Ends a connection in one of the ways there are, without waiting for what was asked. */
async function end(client: RawClient, random: Prng): Promise<void> {
  if (random.chance(0.5)) return vanish(client, random);
  client.close(random.pick([1000, 1001, 4000]));
  if (random.chance(0.3)) return vanish(client, random);
  client.resume();
  await client.readToEnd();
  client.destroy();
}

const lives: Record<string, Life> = {
  async duringHandshake(port, random) {
    const client = await RawClient.dial(port);
    const request = handshakeRequest(port, { path: random.chance(0.1) ? '/elsewhere' : '/ws' });
    client.write(request.slice(0, random.int(0, request.length)));
    await turns(random, 3);
    vanish(client, random);
  },
  async atOnce(port, random) {
    const client = await RawClient.open(port);
    await turns(random, 2);
    await end(client, random);
  },
  async answered(port, random) {
    const client = await RawClient.open(port);
    const count = random.int(1, 5);
    for (let i = 0; i < count; i++) client.binary(Buffer.alloc(random.int(0, 3000)));
    for (let i = 0; i < count; i++) await client.nextFrame();
    await end(client, random);
  },
  async inFlight(port, random) {
    const client = await RawClient.open(port);
    const holds = random.chance(0.5);
    if (holds) client.text('hold');
    const size = random.chance(0.05) ? 300 * KIB : 500;
    for (let i = random.int(0, holds ? 2 : 20); i > 0; i--) client.binary(Buffer.alloc(random.int(0, size)));
    await turns(random, 5);
    // A close waits for what is in flight, which a held message always is.
    vanish(client, random);
  },
  async queued(port, random) {
    const client = await RawClient.open(port);
    client.pause();
    for (let i = random.int(1, 24); i > 0; i--) client.text(`reply ${random.int(64, 512) * KIB}`);
    await turns(random, 40);
    await end(client, random);
  },
  async insideFrame(port, random) {
    const client = await RawClient.open(port);
    const frame = encodeFrame({ opcode: Opcode.Binary, payload: Buffer.alloc(random.int(1, 40 * KIB)) });
    client.write(frame.subarray(0, random.int(1, frame.length)));
    await turns(random, 3);
    vanish(client, random);
  },
  async broken(port, random) {
    const client = await RawClient.open(port);
    client.frame({ opcode: Opcode.Text, payload: Buffer.of(0xff), rsv: random.int(0, 1) });
    await client.readToEnd();
    client.destroy();
  },
};
const KINDS = [...Object.keys(lives), 'answered', 'inFlight'];

/**
 * `count` connections live and end, `atOnce` at a time.
 *
 * @param isOver says that no connection is let in any more: what fails from there on is expected
 */
export async function churn(
  port: number,
  random: Prng,
  { count, atOnce, isOver = () => false }: { count: number; atOnce: number; isOver?: () => boolean },
): Promise<Record<string, number>> {
  const lived: Record<string, number> = {};
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const kind = random.pick(KINDS);
      try {
        await lives[kind]!(port, random);
      } catch (error) {
        if (!isOver()) throw error;
      }
      lived[kind] = (lived[kind] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return lived;
}
