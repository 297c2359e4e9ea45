// @ts-check
import { defineHandler } from 'shardhub/worker';
import { z } from 'zod';
import { SYMBOLS } from './market.mjs';

const symbols = z.array(z.enum(SYMBOLS)).default([]);
const orderSchema = z.strictObject({ subscribe: symbols, unsubscribe: symbols });

export default defineHandler({
  message(connection, message) {
    const order = orderSchema.safeParse(parse(message.text()));
    if (!order.success)
      return JSON.stringify({ error: `send {"subscribe": [...]} with some of ${SYMBOLS.join(', ')}` });
    for (const symbol of order.data.subscribe) connection.subscribe(symbol);
    for (const symbol of order.data.unsubscribe) connection.unsubscribe(symbol);
    return undefined;
  },
});

/** @type {(text: string) => unknown} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
