// @ts-check
import { createHub } from 'shardhub';
import { HISTORY, topicOf } from './prices.mjs';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/ticker',
  handler: new URL('./handler.mjs', import.meta.url),
  // What the market publishes is no publication of a hub: it is taken as it is.
  broker: { url: process.env.BROKER ?? 'nats://127.0.0.1:4222', raw: true },
  topics: {
    [topicOf('*')]: { history: HISTORY, conflate: true, envelope: 'json' },
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
