/** The main job: what 200 connections send comes back unchanged and in order, while others come and go. */

import { Prng } from 'shardhub/testing';
import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/clients/raw-client.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { makeMessage } from '../support/protocol/traffic.js';
import { startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const CONNECTIONS = 200;
const MESSAGES = 200;
const IN_FLIGHT = 4;

/** Sends stream `seed` with a few messages in flight, and checks kind, content and order of every reply. */
async function exchange(client: WsClient, seed: number, count: number): Promise<number> {
  let sent = 0;
  const send = () => {
    const { data, isBinary } = makeMessage(seed, sent++);
    client.socket.send(data, { binary: isBinary });
  };
  while (sent < Math.min(IN_FLIGHT, count)) send();
  for (let i = 0; i < count; i++) {
    const received = await client.next();
    const expected = makeMessage(seed, i);
    if (received.isBinary !== expected.isBinary || !received.data.equals(expected.data)) {
      throw new Error(`reply ${i} of connection ${seed} is not what was sent`);
    }
    if (sent < count) send();
  }
  return count;
}

/** One connection that does something short and ends in one of many ways. */
async function comeAndGo(url: string, port: number, random: Prng): Promise<void> {
  const way = random.int(0, 5);
  if (way === 0) return (await RawClient.dial(port)).destroy();
  if (way === 1) {
    const raw = await RawClient.open(port);
    raw.write(Buffer.from([0x82, 0xff, 0]));
    return raw.destroy();
  }
  const client = await WsClient.connect(url);
  if (way === 2) return client.destroy();
  const count = random.int(1, 5);
  if (way === 3) await exchange(client, random.int(1000, 2000), count);
  else for (let i = 0; i < count; i++) client.send(makeMessage(5, random.int(0, 500)).data);
  if (way === 5) client.destroy();
  else await client.close(random.pick([undefined, 1000, 4000]));
}

describe.each([2, 0])('workers: %i', (workers) => {
  test(`${CONNECTIONS} connections × ${MESSAGES} messages come back equal and in order`, async () => {
    const { hub, log } = await startHub({ workers });
    const clients = await connectMany(hub.wsUrl, CONNECTIONS);
    let isOver = false;
    let passers = 0;
    const churn = Array.from({ length: 4 }, async (_, link) => {
      const random = new Prng(link);
      for (; !isOver || passers <= 20; passers++) await comeAndGo(hub.wsUrl, hub.port, random);
    });
    const work = Promise.all(clients.map((client, seed) => exchange(client, seed, MESSAGES))).finally(() => {
      isOver = true;
    });
    const counts = await work;
    await Promise.all(churn);

    expect(counts).toEqual(Array(CONNECTIONS).fill(MESSAGES));
    expect(passers).toBeGreaterThan(20);
    expect(clients.map((client) => client.waiting)).toEqual(Array(CONNECTIONS).fill(0));
    await until('the passers-by to be gone', () => hub.stats().connections.open === CONNECTIONS);
    await Promise.all(clients.map((client) => client.close()));
    await until('every gauge to be back at zero', () => {
      const { connections, messages, outbound } = hub.stats();
      return (
        connections.open +
          messages.inFlight +
          messages.inFlightBytes +
          outbound.queuedMessages +
          outbound.queuedBytes ===
        0
      );
    });
    const { connections, handlerErrors, shards } = hub.stats();
    const closed = Object.values(connections.closed).reduce((sum, count) => sum + count, 0);
    expect(closed).toBe(connections.opened);
    expect(handlerErrors).toBe(0);
    if (workers > 0) {
      expect(shards).toHaveLength(workers);
      // Both shards had a fair share of the connections' messages.
      for (const shard of shards) expect(shard.messages).toBeGreaterThan((CONNECTIONS * MESSAGES) / 4);
    }
    expect(log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });
});
