// @ts-check
/** The application that was there before: orders come in with POST and are listed with GET. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const MAX_BODY_BYTES = 10_000;
const orderSchema = z.strictObject({ item: z.string().min(1).max(100), count: z.int().min(1).max(1000) });

/** @typedef {z.output<typeof orderSchema> & { id: number }} Order */

/** @param {(order: Order) => number} tell says to how many clients it was sent */
export function createApp(tell) {
  /** @type {Order[]} */
  const orders = [];
  return createServer(async (request, response) => {
    /** @type {(status: number, body: unknown) => void} */
    const respond = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url !== '/orders') return respond(404, { error: 'there is /orders' });
    if (request.method === 'GET') return respond(200, orders);
    if (request.method !== 'POST') return respond(405, { error: 'GET or POST' });
    const length = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
    if (length > MAX_BODY_BYTES) return respond(413, { error: `at most ${MAX_BODY_BYTES} bytes` });
    const checked = orderSchema.safeParse(await json(request).catch(() => undefined));
    if (!checked.success) return respond(400, { error: 'send {"item": "tea", "count": 2}' });
    const order = { id: orders.length + 1, ...checked.data };
    orders.push(order);
    respond(201, { ...order, told: tell(order) });
  });
}
