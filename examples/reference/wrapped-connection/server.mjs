// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';
import { servePage } from '../page.mjs';

const address = listenAddress(':5555');
const hub = await createHub({
  ...address,
  path: '/ws',
  handler: 'echo',
  // CheckOrigin returns true: a page from anywhere may connect.
  origins: '*',
  // inChan and outChan; these are the defaults too.
  maxInFlight: 1000,
  maxQueueMessages: 1000,
  heartbeat: { intervalMs: 1000, payload: 'heartbeat' },
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
