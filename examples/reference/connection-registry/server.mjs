// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';
import { page } from '../page.mjs';

const hub = await createHub({
  ...listenAddress('127.0.0.1:6666'),
  path: '/send',
  handler: new URL('./handler.mjs', import.meta.url),
  // CheckOrigin returns true.
  origins: '*',
  // SetReadLimit.
  maxPayload: 512,
  // SetReadDeadline and the ping's ticker, in seconds: whoever is silent is pinged before.
  idleTimeout: Number(process.env.IDLE_TIMEOUT ?? 60),
  // inChan and outChan; these are the defaults too.
  maxInFlight: 1000,
  maxQueueMessages: 1000,
});

// wsConnAll: `hub.get(id)` and `hub.connections()`.
hub.on('open', ({ id }) => console.log(`${id} has come, online: ${hub.stats().connections.open}`));
hub.on('close', ({ id }, code) =>
  console.log(`${id} has gone (${code}), online: ${hub.stats().connections.open}`),
);
hub.http(page(hub.options.path));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}, page on ${hub.url}/`);
