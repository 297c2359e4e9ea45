/** The engine's own publish: every connection is subscribed to one topic, and told so. */
import { announce } from './support/control.mjs';
import { listen, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';
import { numbered } from './support/numbered.mjs';

const app = uWS.App();
app.ws('/ws', {
  ...WEBSOCKET_OPTIONS,
  open: (socket) => {
    socket.subscribe('topic');
    socket.send('ready');
  },
});
const next = numbered();
announce(await listen(app), {
  publish: (bytes) => void app.publish('topic', next(Number(bytes)), true),
});
