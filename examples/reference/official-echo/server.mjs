// @ts-check
import { createHub } from 'shardhub';
import { listenAddress } from '../address.mjs';
import { servePage } from '../page.mjs';

const address = listenAddress('localhost:8080');
const page = await servePage(address);
const hub = await createHub({
  ...address,
  path: '/echo',
  handler: new URL('./handler.mjs', import.meta.url),
  // Upgrader{}: nobody but the page's own host.
  origins: [page.origin],
  // The hub would serve POST /echo itself.
  http: false,
});
page.connectTo(hub.wsUrl);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    page.close();
    hub.close();
  });
}
console.log(`listening on ${hub.wsUrl}, page on ${page.origin}/`);
