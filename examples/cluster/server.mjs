// @ts-check
import { createHub } from 'shardhub';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/chat',
  handler: new URL('./handler.mjs', import.meta.url),
  // Without one, the rooms are those of this process.
  broker: process.env.BROKER,
  topics: {
    'room:*': { history: { size: 300, ttlMs: 300_000 }, presence: true, envelope: 'json' },
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
