/** `hub.publish`: every connection is subscribed to one topic, by its handler. */
import { createHub } from 'shardhub';
import { announce, leaveOut } from './support/control.mjs';
import { numbered } from './support/numbered.mjs';

const handler = new URL('../handlers/subscribe.mjs', import.meta.url);
const hub = await createHub({ port: 0, ...JSON.parse(process.argv[2] ?? '{}'), handler });
const next = numbered();
if (typeof hub.publish === 'function') {
  announce(hub.port, { publish: (bytes) => void hub.publish('topic', next(Number(bytes))) });
} else {
  leaveOut('this shardhub has no hub.publish');
}
