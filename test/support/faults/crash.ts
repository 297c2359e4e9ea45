/** A hub with a worker that can be held and made to die, and connections on both of its shards. */
import type { HubOptions } from 'shardhub';
import { expect } from 'vitest';
import type { WorkerExitEvent } from '../../../src/api/events.js';
import { Barriers } from '../barriers.js';
import type { WsClient } from '../clients/ws-client.js';
import { fixture, startHub } from '../servers/hubs.js';
import { connectOnShards } from '../servers/shards.js';
import { until } from '../until.js';

/** A hub, `count` connections on shard 0, the rest on shard 1, and one more on shard 0 that holds its thread. */
export async function setUpCrash(count: number, query = '', options: HubOptions = {}) {
  const { hub, log } = await startHub({ handler: fixture('deaths.mjs'), ...options });
  const barriers = new Barriers();
  const exits: WorkerExitEvent[] = [];
  hub.on('workerExit', (event) => exits.push(event));
  const [own, others] = await connectOnShards(hub, count + 1, barriers.url(hub.wsUrl) + query);
  const holder = own.pop()!;
  /** Sends while the thread is held, so that all of it is in the ring, in this order, when the thread goes on. */
  const together = async (steps: [WsClient, string | Uint8Array][]) => {
    holder.send('hold');
    await barriers.waitFor('holding');
    for (const [client, text] of steps) {
      const before = hub.stats().messages.received;
      client.send(text);
      await until('the message to be accepted', () => hub.stats().messages.received > before);
    }
    barriers.lift('release');
    expect(await holder.nextText()).toBe('held');
  };
  return { hub, log, barriers, exits, own, others, holder, together };
}
