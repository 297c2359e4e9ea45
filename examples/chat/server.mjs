// @ts-check
import { createHub } from 'shardhub';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/chat',
  workers: 3,
  // Rooms with presence and the last 50 lines.
  handler: 'chat',
  // A room lives in one worker: everybody who is in it has to get there. The handler would ask for the same by itself.
  affinity: 'query:room=lobby',
  // What people type, not what machines send.
  rateLimit: { messages: 10, burst: 10 },
  maxPayload: 16_384,
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
