// @ts-check
import { createHub } from 'shardhub';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/stream',
  handler: new URL('./handler.mjs', import.meta.url),
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
