// @ts-check
import { once } from 'node:events';
import { createHub } from 'shardhub';
import { createApp } from './app.mjs';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/orders',
  handler: new URL('./handler.mjs', import.meta.url),
});
const app = createApp((order) => hub.publish('orders', JSON.stringify(order)));
app.listen(Number(process.env.APP_PORT ?? 3000), '127.0.0.1');
await once(app, 'listening');

const address = /** @type {import('node:net').AddressInfo} */ (app.address());
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    app.close();
    hub.close();
  });
}
console.log(`listening on ${hub.wsUrl}, application on http://127.0.0.1:${address.port}/orders`);
