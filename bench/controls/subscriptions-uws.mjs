/** The engine's own topics: `subscribe <topics>` subscribes those connections to them that have none yet. */
import { announce } from './support/control.mjs';
import { listen, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';

const app = uWS.App();
let waiting = [];
app.ws('/ws', { ...WEBSOCKET_OPTIONS, open: (socket) => void waiting.push(socket) });

announce(await listen(app), {
  subscribe: (count) => {
    for (const socket of waiting) for (let i = 0; i < count; i++) socket.subscribe(`topic${i}`);
    waiting = [];
  },
});
