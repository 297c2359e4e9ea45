// @ts-check
import { defineHandler } from 'shardhub/worker';
import { z } from 'zod';
import { SYMBOLS, topicOf } from './prices.mjs';

/** @typedef {import('shardhub/worker').Connection} Connection */

const orderSchema = z.strictObject({ watch: z.array(z.enum(SYMBOLS)).min(1).max(SYMBOLS.length) });

export default defineHandler({
  async message(connection, message) {
    const order = orderSchema.safeParse(message.json());
    if (!order.success)
      return JSON.stringify({ error: `send {"watch": [...]} with some of ${SYMBOLS.join(', ')}` });
    const { watch: symbols } = order.data;
    try {
      for (const symbol of symbols) await watch(connection, topicOf(symbol));
      return undefined;
    } catch {
      // The broker is away.
      return JSON.stringify({ again: symbols });
    }
  },
  // After an outage only the newest price is there still, which is the one that counts.
  async topicLost(connection, { topic }) {
    await watch(connection, topic).catch(() => {});
  },
});

/**
 * Sends the newest price at once, and then each that follows.
 *
 * @param {Connection} connection
 * @param {string} topic
 */
async function watch(connection, topic) {
  for (;;) {
    const { publications, offset, epoch } = await connection.history(topic, { limit: 1 });
    const [newest] = publications;
    if (newest !== undefined)
      connection.send(JSON.stringify({ topic, offset, epoch, data: JSON.parse(String(newest.data)) }));
    const { recovered } = await connection.subscribe(topic, { since: { offset, epoch } });
    // Else more came in between than is kept.
    if (recovered) return;
  }
}
