// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';
import { page } from '../page.mjs';

const hub = await createHub({
  ...listenAddress(':8080'),
  path: '/ws',
  // bizLoop: answers "<text> done" in binary.
  handler: 'done',
  // websocket.Upgrade asks nobody where they come from.
  origins: '*',
  // healthLoop.
  heartbeat: { intervalMs: 3000, payload: '心跳检查', binary: true },
});
hub.http(page(hub.options.path));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}, page on ${hub.url}/`);
