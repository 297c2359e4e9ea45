/** uWebSockets.js alone, echoing on its own thread: the limit that a hub on this engine can reach. */
import { announce } from './support/control.mjs';
import { listen, readBody, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';

const app = uWS.App();
app.ws('/ws', {
  ...WEBSOCKET_OPTIONS,
  message: (socket, message, isBinary) => void socket.send(message, isBinary),
});
app.post('/echo', (response) => readBody(response, (body) => response.end(body)));
announce(await listen(app));
