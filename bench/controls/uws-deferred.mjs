/**
 * uWebSockets.js alone, but it echoes at the end of the poll phase instead of inside the engine's callback: the limit
 * of a server that gathers what it has read before it works on it, whoever then does the work.
 */
import { announce } from './support/control.mjs';
import { listen, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';

/** More than clients have in flight: what is copied here is sent before it is written over. */
const ring = new Uint8Array(16 * 1024 * 1024);
let end = 0;
/** @type {{ socket: object, bytes: Uint8Array, isBinary: boolean }[]} */
let gathered = [];

function gather(socket, message, isBinary) {
  const source = new Uint8Array(message);
  if (end + source.length > ring.length) end = 0;
  ring.set(source, end);
  if (gathered.length === 0) setImmediate(echo);
  gathered.push({ socket, bytes: ring.subarray(end, end + source.length), isBinary });
  end += source.length;
}

function echo() {
  const batch = gathered;
  gathered = [];
  for (let first = 0; first < batch.length; ) {
    const { socket } = batch[first];
    let next = first + 1;
    while (batch[next]?.socket === socket) next++;
    const send = () => {
      for (let i = first; i < next; i++) socket.send(batch[i].bytes, batch[i].isBinary);
    };
    if (next - first > 1) socket.cork(send);
    else send();
    first = next;
  }
}

const app = uWS.App();
app.ws('/ws', {
  ...WEBSOCKET_OPTIONS,
  message: gather,
  // What a socket sent just before it was closed is not echoed: the engine throws when a closed one is used.
  close: (socket) => {
    gathered = gathered.filter((one) => one.socket !== socket);
  },
});
announce(await listen(app));
