/** Hubs that cannot start, one after the other, then nothing: prints the errors, and exits only if nothing was left behind. */
import { createServer } from 'node:net';
import { createHub } from 'shardhub';

const blocker = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => blocker.once('listening', resolve));
const { port } = blocker.address();
const fixture = (name) => new URL(`../fixtures/${name}`, import.meta.url);

const attempts = {
  'port in use': { port },
  'missing handler': { port: 0, handler: './no/such/handler.mjs' },
  'no default export': { port: 0, handler: fixture('no-default.mjs') },
  'no hook': { port: 0, handler: fixture('no-hooks.mjs') },
  'throws at load': { port: 0, handler: fixture('throws-at-load.mjs') },
  'bad option': { port: 0, idleTimeout: 7 },
};

const outcomes = {};
for (const workers of [0, 2]) {
  for (const [name, options] of Object.entries(attempts)) {
    outcomes[`${name}, workers: ${workers}`] = await createHub({
      workers,
      logLevel: 'silent',
      ...options,
    }).then(
      () => ({ code: 'started' }),
      ({ code, message, name: type }) => ({ type, code, message }),
    );
  }
}
blocker.close();
// Let go of the parent, so that only something that a hub has left behind keeps this process alive.
process.disconnect?.();
process.stdout.write(JSON.stringify({ port, outcomes }));
