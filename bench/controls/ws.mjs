/** The package ws, echoing on the thread that reads. */
import { WebSocketServer } from 'ws';
import { announce } from './support/control.mjs';

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  path: '/ws',
  perMessageDeflate: false,
  maxPayload: 1024 * 1024,
});
server.on('connection', (socket) => {
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
});
server.once('listening', () => announce(server.address().port));
