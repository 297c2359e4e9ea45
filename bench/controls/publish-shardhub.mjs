/**
 * `hub.publish`: every connection is subscribed to one topic, by its handler. With `nats` as the second argument, other hubs
 * could be, too.
 */
import { createHub } from 'shardhub';
import { announce, leaveOut } from './support/control.mjs';
import { numbered } from './support/numbered.mjs';
import { startNats } from './support/parts.mjs';

const handler = new URL('../handlers/subscribe.mjs', import.meta.url);
const [options = '{}', by] = process.argv.slice(2);
const broker = by === 'nats' ? await startNats() : undefined;
const hub = await createHub({ port: 0, ...JSON.parse(options), handler, broker });
const next = numbered();
if (typeof hub.publish === 'function') {
  announce(hub.port, { publish: (bytes) => void hub.publish('topic', next(Number(bytes))) });
} else {
  leaveOut('this shardhub has no hub.publish');
}
