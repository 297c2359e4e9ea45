// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';
import { page } from '../page.mjs';

const hub = await createHub({
  ...listenAddress(':5555'),
  path: '/ws',
  handler: 'echo',
  // CheckOrigin returns true: a page from anywhere may connect.
  origins: '*',
  // inChan and outChan; these are the defaults too.
  maxInFlight: 1000,
  maxQueueMessages: 1000,
  heartbeat: { intervalMs: 1000, payload: 'heartbeat' },
});
hub.http(page(hub.options.path));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}, page on ${hub.url}/`);
