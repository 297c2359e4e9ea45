/**
 * uWebSockets.js alone, for a server that knows who asks: it reads the headers and the address of each handshake and request,
 * and keeps them with the connection. That much is the engine's price for whoever has to look at a request.
 */
import { announce } from './support/control.mjs';
import { listen, readBody, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';

function readRequest(response, request) {
  const headers = {};
  request.forEach((name, value) => {
    headers[name] = value;
  });
  const address = new Uint8Array(response.getRemoteAddress()).join('.');
  // As one string: what is kept of 10,000 connections is to be small.
  return JSON.stringify([request.getUrl(), request.getQuery() ?? '', address, headers]);
}

const app = uWS.App();
app.ws('/ws', {
  ...WEBSOCKET_OPTIONS,
  upgrade: (response, request, context) => {
    const key = request.getHeader('sec-websocket-key');
    response.upgrade({ request: readRequest(response, request) }, key, '', '', context);
  },
  message: (socket, message, isBinary) => void socket.send(message, isBinary),
});
app.post('/echo', (response, request) => {
  readRequest(response, request);
  readBody(response, (body) => response.end(body));
});
announce(await listen(app));
