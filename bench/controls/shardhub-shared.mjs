/** Two processes of shardhub on one port (`sharePort`), with the options of its first argument (JSON). */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Child } from '../lib/child.mjs';
import { announce, cpu } from './support/control.mjs';

const options = { ...JSON.parse(process.argv[2] ?? '{}'), sharePort: true };
const start = (port) => {
  const file = fileURLToPath(new URL('shardhub.mjs', import.meta.url));
  return Child.start('shardhub', [process.execPath, file, JSON.stringify({ ...options, port })]);
};

/** Shared is only a port that was chosen beforehand. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const port = await freePort();
const children = [await start(port), await start(port)];

announce(port, {
  // Of both, and of the two threads in front.
  cpu: async () => {
    const times = [cpu(), ...(await Promise.all(children.map((child) => child.ask('cpu'))))];
    const sum = (name) => times.reduce((total, time) => total + time[name], 0);
    return { process: sum('process'), ioThread: sum('ioThread') };
  },
});
