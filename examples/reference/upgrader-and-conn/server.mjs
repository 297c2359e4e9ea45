// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';

const hub = await createHub({
  ...listenAddress('localhost:8080'),
  path: '/ws',
  handler: new URL('./handler.mjs', import.meta.url),
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
