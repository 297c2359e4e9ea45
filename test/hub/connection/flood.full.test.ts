/** A client at full speed beside a hundred polite ones, all with messages of 5 ms: the polite ones are served as if it kept its turn. */
import { expect, test } from 'vitest';
import { RawClient } from '../../support/clients/raw-client.js';
import { connectMany, type WsClient } from '../../support/clients/ws-client.js';
import { startHubProcess } from '../../support/processes/processes.js';
import { encodeFrame, Opcode } from '../../support/protocol/frames.js';
import { fixture } from '../../support/servers/hubs.js';
import { turn } from '../../support/until.js';

const POLITE = 100;
const ROUNDS = 4;
/** Records of 5 ms that one connection may have in the ring: 20 ms of work (src/hub/dispatch/inbound-queue.ts), or twice that while it learns. */
const SHARE = 8;
/** What one turn of a flooded shard works off: the flood's share, and a message of each of its other connections. */
const BATCH = SHARE + POLITE / 2;

/** How many messages each thread has finished, as far as its replies have told. */
class Progress {
  readonly #finished = new Map<string, number>();

  note(reply: string): { thread: string; count: number } {
    const [thread, count] = reply.split(' ') as [string, string];
    this.#finished.set(thread, Math.max(Number(count), this.#finished.get(thread) ?? 0));
    return { thread, count: Number(count) };
  }

  of(thread: string): number {
    return this.#finished.get(thread) ?? 0;
  }
}

/** Keeps its bound full: fifty more messages for each that is answered, of which forty-nine are dropped. */
async function flood(client: RawClient, progress: Progress): Promise<void> {
  const burst = Buffer.concat(Array(50).fill(encodeFrame({ opcode: Opcode.Text, payload: 'flood' })));
  for (let i = 0; i < 40; i++) client.write(burst);
  for (let frame = await client.nextFrame(); frame !== undefined; frame = await client.nextFrame()) {
    progress.note(frame.payload.toString());
    client.write(burst);
  }
}

/** Sends one message after the other; how many messages of others its thread finished while each waited. */
async function politely(client: WsClient, progress: Progress): Promise<number[]> {
  const waits: number[] = [];
  let { thread } = progress.note(await client.ask('hello'));
  for (let round = 0; round < ROUNDS; round++) {
    // What others have got by now is counted first.
    await turn();
    const before = progress.of(thread);
    const reply = progress.note(await client.ask('please'));
    thread = reply.thread;
    waits.push(reply.count - before);
  }
  return waits;
}

test('the polite ones’ p99 stays within three batches, and nobody is closed', async () => {
  const hub = await startHubProcess({ handler: fixture('busy.mjs').href, overload: 'drop' });
  const progress = new Progress();
  const flooder = await RawClient.open(hub.port);
  const polite = await connectMany(hub.wsUrl, POLITE);
  const flooding = flood(flooder, progress);
  const waits = (await Promise.all(polite.map((client) => politely(client, progress)))).flat();
  const { connections, dropped } = await hub.stats();
  flooder.destroy();
  await flooding;

  waits.sort((a, b) => a - b);
  const p99 = waits[Math.ceil(waits.length * 0.99) - 1]!;
  expect(p99).toBeLessThanOrEqual(3 * BATCH);
  expect(connections).toMatchObject({ open: POLITE + 1, closed: {} });
  // It was a flood: most of it did not fit.
  expect(dropped.overload).toBeGreaterThan(10 * POLITE);
});

test('at full speed it is over its own bound: it is closed, and nobody else', async () => {
  const hub = await startHubProcess({ handler: fixture('busy.mjs').href, overload: 'shed' });
  const progress = new Progress();
  const flooder = await RawClient.open(hub.port);
  const polite = await connectMany(hub.wsUrl, POLITE);
  const burst = Buffer.concat(Array(10_000).fill(encodeFrame({ opcode: Opcode.Text, payload: 'flood' })));
  let isOver = false;
  void flooder.ended.then(() => {
    isOver = true;
  });
  const flooding = (async () => {
    while (!isOver) {
      flooder.write(burst);
      await Promise.race([flooder.flushed(), flooder.ended]);
    }
  })();
  await Promise.all(polite.map((client) => politely(client, progress)));
  await flooding;
  const { connections, shed } = await hub.stats();
  expect(connections.open).toBe(POLITE);
  expect(shed).toBe(1);
});
