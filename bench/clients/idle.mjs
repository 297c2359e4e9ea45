/** Child process of measure/idle.mjs: holds connections that do nothing. `open <port> <count>` opens so many more. */
import { announce } from '../controls/support/control.mjs';
import { openSocket, openSockets } from './raw-socket.mjs';

const listener = {
  onBytes: () => {},
  onClose: () => {
    process.stderr.write('an idle connection fell\n');
    process.exit(1);
  },
};

announce(undefined, {
  open: async (port, count) => {
    await openSockets(Number(count), () => openSocket(Number(port), listener));
  },
});
