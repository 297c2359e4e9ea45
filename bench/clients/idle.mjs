/**
 * Child process of measure/idle.mjs: holds connections that do nothing. `open <port> <count>` opens so many more, `check`
 * fails when one of them has fallen.
 */
import { setTimeout } from 'node:timers/promises';
import { announce } from '../controls/support/control.mjs';
import { openSocket, openSockets } from './raw-socket.mjs';

const SETTLE_MS = 100;

let fallen = 0;
const listener = {
  onBytes: () => {},
  onClose: () => {
    fallen++;
  },
};

announce(undefined, {
  open: async (port, count) => {
    await openSockets(Number(count), () => openSocket(Number(port), listener));
  },
  check: async () => {
    // What has fallen by now is known by then.
    await setTimeout(SETTLE_MS);
    if (fallen > 0) throw new Error(`${fallen} idle connections fell`);
  },
});
