/** Bun's own server, echoing on the thread that reads. Runs on Bun. */
import { announce } from './support/control.mjs';

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('', { status: 404 })),
  websocket: {
    perMessageDeflate: false,
    maxPayloadLength: 2 * 1024 * 1024,
    backpressureLimit: 64 * 1024 * 1024,
    message: (socket, message) => void socket.send(message),
  },
});
announce(server.port);
