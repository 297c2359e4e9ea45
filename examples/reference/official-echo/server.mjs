// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';
import { page } from '../page.mjs';

const hub = await createHub({
  ...listenAddress('localhost:8080'),
  path: '/echo',
  handler: new URL('./handler.mjs', import.meta.url),
  // Upgrader{}: pages of the same host; this is the default too.
  origins: 'same-origin',
  // The hub would serve POST /echo itself.
  http: false,
});
hub.http(page(hub.options.path));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}, page on ${hub.url}/`);
