// @ts-check
import { createHub } from 'shardhub';
import { quotes, SYMBOLS } from './market.mjs';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/feed',
  handler: new URL('./handler.mjs', import.meta.url),
});

const market = quotes();
const publisher = setInterval(
  () => {
    // Of a quote that a reader has not got yet, only the newest counts.
    for (const symbol of SYMBOLS)
      hub.publish(symbol, JSON.stringify(market.next(symbol)), { conflate: true });
  },
  Number(process.env.TICK_MS ?? 100),
);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    clearInterval(publisher);
    hub.close();
  });
}
console.log(`listening on ${hub.wsUrl}`);
