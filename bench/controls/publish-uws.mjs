/** The engine's own publish: every connection is subscribed to one topic. */
import { announce } from './support/control.mjs';
import { listen, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';
import { numbered } from './support/numbered.mjs';

const app = uWS.App();
app.ws('/ws', {
  ...WEBSOCKET_OPTIONS,
  open: (socket) => void socket.subscribe('topic'),
  message: (socket, message, isBinary) => void socket.send(message, isBinary),
});
const next = numbered();
announce(await listen(app), {
  publish: (bytes) => void app.publish('topic', next(Number(bytes)), true),
});
