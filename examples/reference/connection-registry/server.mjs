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
  // SetReadDeadline, in seconds.
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

// pingPeriod, and writeWait: what is written has to get there, and a pong says that it has.
const { PING_MS = 54_000, PONG_MS = 10_000 } = process.env;
const pinger = setInterval(() => {
  for (const connection of hub.connections())
    connection.ping(undefined, { timeoutMs: Number(PONG_MS) }).catch(() => connection.close(1008, 'no pong'));
}, Number(PING_MS));

hub.http(page(hub.options.path));
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    clearInterval(pinger);
    hub.close();
  });
console.log(`listening on ${hub.wsUrl}, page on ${hub.url}/`);
