/**
 * The obvious way to use a pool: one `piscina.run()` per message, answered when it resolves. Replies of a connection
 * overtake each other, and its load has to be measured without asking for order.
 */
import { Piscina } from 'piscina';
import { announce } from './support/control.mjs';
import { listen, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';

const maxThreads = Number(process.argv[2] ?? 1);
const pool = new Piscina({
  filename: new URL('./support/echo-task.mjs', import.meta.url).href,
  minThreads: maxThreads,
  maxThreads,
});

const app = uWS.App();
app.ws('/ws', {
  ...WEBSOCKET_OPTIONS,
  open: (socket) => {
    socket.getUserData().isOpen = true;
  },
  message: async (socket, message, isBinary) => {
    const reply = await pool.run(message.slice(0));
    if (socket.getUserData().isOpen) socket.send(reply, isBinary);
  },
  close: (socket) => {
    socket.getUserData().isOpen = false;
  },
});
announce(await listen(app));
