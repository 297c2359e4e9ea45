/**
 * Churn: connections that end at random points. Nothing of them is left, in the gauges, in the workers, in memory, or
 * as a timer or a handle.
 */

import { type Prng, withFaults } from 'shardhub/testing';
import { expect } from 'vitest';
import { connectMany } from '../clients/ws-client.js';
import { engineUnderTest } from '../engines/under-test.mjs';
import { fixture } from '../servers/hubs.js';
import { type MeasuredHub, startMeasuredHub } from '../servers/measured-hub.js';
import { until } from '../until.js';
import { churn } from './churn.js';

const SEED = Number(process.env.SHARDHUB_CHURN_SEED ?? 1);
const AT_ONCE = 100;
const WARM_UP = 1000;
const MIB = 1024 * 1024;
/** src/hub/connection/copies.ts */
const MAX_FREE_MIB = 8;

/** Everything in stats() that goes back to zero when nothing is going on. */
async function gauges(hub: MeasuredHub) {
  const { connections, messages, outbound, shards } = await hub.stats();
  return {
    open: connections.open,
    inFlight: messages.inFlight,
    inFlightBytes: messages.inFlightBytes,
    ...outbound,
    shards: shards.map((shard) => ({ connections: shard.connections, inFlight: shard.inFlight })),
  };
}

const IDLE = {
  open: 0,
  inFlight: 0,
  inFlightBytes: 0,
  queuedMessages: 0,
  queuedBytes: 0,
  engineBytes: 0,
  shards: [
    { connections: 0, inFlight: 0 },
    { connections: 0, inFlight: 0 },
  ],
};

export async function isIdle(hub: MeasuredHub): Promise<void> {
  let last: unknown;
  const isBack = async () => JSON.stringify((last = await gauges(hub))) === JSON.stringify(IDLE);
  await until(() => `every gauge to be back at zero: ${JSON.stringify(last)}`, isBack);
}

/** What each worker thread knows besides the connections that ask. */
export async function knownToWorkers(hub: MeasuredHub): Promise<number[]> {
  const clients = await connectMany(hub.wsUrl, 4);
  // Every connection has been opened in its thread when it is answered.
  for (const client of clients) await client.ask('ready');
  const answers = await Promise.all(clients.map((client) => client.ask('alive')));
  const threads = new Map<string, { asking: number; alive: number }>();
  for (const answer of answers) {
    const [thread, alive] = answer.split(' ') as [string, string];
    threads.set(thread, { asking: (threads.get(thread)?.asking ?? 0) + 1, alive: Number(alive) });
  }
  for (const client of clients) await client.close();
  await isIdle(hub);
  return [...threads.values()].map(({ alive, asking }) => alive - asking);
}

/** What so many connections take at most, on any machine. */
export const churnTimeoutMs = (count: number) => 60_000 + 100 * count;

export function leaveNothingBehind(count: number): Promise<void> {
  return withFaults(({ random }) => liveAndLeave(random, count), { seed: SEED });
}

async function liveAndLeave(random: Prng, count: number): Promise<void> {
  const hub = await startMeasuredHub({
    handler: fixture('churn.mjs').href,
    handlerTimeoutMs: 0,
    maxBufferedBytes: 64 * MIB,
  });
  await churn(hub.port, random, { count: WARM_UP, atOnce: AT_ONCE });
  await isIdle(hub);
  const before = await hub.level();

  const lived = await churn(hub.port, random, { count: count, atOnce: AT_ONCE });
  await isIdle(hub);
  expect(await knownToWorkers(hub)).toEqual([0, 0]);
  const after = await hub.level();
  if (process.env.SHARDHUB_CHURN_REPORT)
    console.log(lived, before, after, `peak ${Math.round((await hub.peakMemory()) / MIB)} MiB`);
  for (const count of Object.values(lived)) expect(count).toBeGreaterThan(count / 30);
  // A kept connection is 600 bytes, or 2600 with engine node, for which V8 has 0.9 MiB of code to compile meanwhile.
  expect(after.heap - before.heap).toBeLessThan(engineUnderTest.engine === 'node' ? 2 * MIB : MIB);
  // Beside it is what is kept for large copies to come, however many there were. A copy that is kept is on the heap, too.
  expect(after.external - before.external).toBeLessThan((2 + MAX_FREE_MIB) * MIB);
  expect(after.rss - before.rss).toBeLessThan(150 * MIB);
  expect(after.resources).toEqual(before.resources);

  let isClosing = false;
  const leaving = churn(hub.port, random, { count: 5000, atOnce: AT_ONCE, isOver: () => isClosing });
  await until('the hub to be busy', async () => {
    const { open, inFlight, queuedMessages } = await gauges(hub);
    return open > 0 && inFlight > 0 && queuedMessages > 0;
  });
  isClosing = true;
  await hub.close({ timeoutMs: 2000 });
  await leaving;
  expect(await gauges(hub)).toEqual(IDLE);
  expect((await hub.stats()).state).toBe('stopped');
  await hub.leave();
  expect(await hub.exited).toEqual({ code: 0, signal: null, stderr: '' });
}
