// @ts-check
import { createHub } from 'shardhub';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/rpc',
  handler: new URL('./handler.mjs', import.meta.url),
  // A response names its call: one that is ready does not wait for the ones before it.
  ordering: 'unordered',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
