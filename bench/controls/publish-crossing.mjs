/**
 * `hub.publish` to subscribers in another process, by way of the relay of `serve --processes` or of a NATS server: this
 * process publishes, and the CPU is that of all of them.
 *
 * Arguments: options of the hubs as JSON, `relay` or `nats`, `history` for a topic that has one.
 */
import { join } from 'node:path';
import { createHub } from 'shardhub';
import { RelayServer } from '../../dist/broker/relay/relay-server.js';
import { announce } from './support/control.mjs';
import { numbered } from './support/numbered.mjs';
import { cpuOfAll, ownFolder, startNats, startPart } from './support/parts.mjs';

const handler = new URL('../handlers/subscribe.mjs', import.meta.url);
const [options, by, kind, role, url] = process.argv.slice(2);
const topics = kind === 'history' ? { topic: { history: { size: 1000 } } } : {};
const start = (broker) => createHub({ port: 0, ...JSON.parse(options), topics, handler, broker });
const part = (name, at) => startPart(import.meta.url, options, by, kind, name, at);

if (role === 'relay') {
  await new RelayServer().listen(url);
  process.send({});
} else if (role === 'subscribers') {
  const { port } = await start(url);
  process.send({ port });
} else {
  const broker = by === 'nats' ? await startNats() : await startRelay();
  const { port } = await part('subscribers', broker);
  const hub = await start(broker);
  const next = numbered();
  announce(port, {
    publish: (bytes, count = 1) => {
      for (let i = 0; i < count; i++) void hub.publish('topic', next(Number(bytes)));
    },
    cpu: cpuOfAll,
  });
}

async function startRelay() {
  const socket = join(ownFolder(), 'relay.sock');
  await part('relay', socket);
  return `relay:${socket}`;
}
