/** A hub whose subscribers are sent what another hub publishes, by way of a NATS server. The CPU is this process's. */
import { createHub } from 'shardhub';
import { announce } from './support/control.mjs';
import { startNats, startPart } from './support/parts.mjs';
import { obey, Steady, steadyCommands } from './support/steady.mjs';

const [options, count, url] = process.argv.slice(2);
const handler = new URL(`../handlers/subscribe-each.mjs?count=${count}`, import.meta.url);
const start = (broker) => createHub({ port: 0, ...JSON.parse(options), handler, broker });

if (url !== undefined) {
  const hub = await start(url);
  obey(new Steady((topic, message) => void hub.publish(`topic${topic}`, message)));
} else {
  const broker = await startNats();
  const { child } = await startPart(import.meta.url, options, count, broker);
  const hub = await start(broker);
  announce(hub.port, steadyCommands(child));
}
