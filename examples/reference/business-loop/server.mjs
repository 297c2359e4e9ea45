// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';
import { servePage } from '../page.mjs';

const address = listenAddress(':8080');
const hub = await createHub({
  ...address,
  path: '/ws',
  // bizLoop: answers "<text> done" in binary.
  handler: 'done',
  // websocket.Upgrade asks nobody where they come from.
  origins: '*',
  // healthLoop.
  heartbeat: { intervalMs: 3000, payload: '心跳检查', binary: true },
});
const page = await servePage(address);
page.connectTo(hub.wsUrl);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    page.close();
    hub.close();
  });
}
console.log(`listening on ${hub.wsUrl}, page on ${page.origin}/`);
