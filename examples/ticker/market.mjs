// @ts-check
/** A backend that knows NATS and no hub. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { SYMBOLS, subjectOf } from './prices.mjs';

const { host } = new URL(process.env.BROKER ?? 'nats://127.0.0.1:4222');
const connection = await connect({ servers: host, maxReconnectAttempts: -1 });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => connection.close());

const prices = new Map(SYMBOLS.map((symbol) => [symbol, 100]));
while (!connection.isClosed()) {
  for (const [symbol, before] of prices) {
    const price = Number(Math.max(1, before + Math.random() - 0.5).toFixed(2));
    prices.set(symbol, price);
    // JetStream answers with its place in the history. Where nobody does, the next price is as good.
    await connection.request(subjectOf(symbol), JSON.stringify({ price })).catch(() => {});
  }
  await delay(Number(process.env.TICK_MS ?? 250));
}
