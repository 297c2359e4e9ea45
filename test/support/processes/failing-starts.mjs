/** Hubs that cannot start, one after the other, then nothing: prints the errors, and exits only if nothing was left behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub } from 'shardhub';
import { engineUnderTest } from '../engines/under-test.mjs';

const blocker = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => blocker.once('listening', resolve));
const { port } = blocker.address();
const fixture = (name) => new URL(`../../fixtures/${name}`, import.meta.url);

const attempts = {
  'port in use': { port },
  'missing handler': { port: 0, handler: './no/such/handler.mjs' },
  'no default export': { port: 0, handler: fixture('no-default.mjs') },
  'no hook': { port: 0, handler: fixture('no-hooks.mjs') },
  'throws at load': { port: 0, handler: fixture('throws-at-load.mjs') },
  'never loads': { port: 0, handler: fixture('never-loads.mjs'), handlerTimeoutMs: 50 },
  'bad option': { port: 0, idleTimeout: 7 },
};

function attempt(options) {
  return createHub({ ...engineUnderTest, logLevel: 'silent', ...options }).then(
    () => ({ code: 'started' }),
    ({ code, message, name: type }) => ({ type, code, message }),
  );
}

const outcomes = {};
for (const workers of [0, 2]) {
  for (const [name, options] of Object.entries(attempts))
    outcomes[`${name}, workers: ${workers}`] = await attempt({ workers, ...options });
}

// One worker is up when the other one fails: it must not be left behind.
const dir = mkdtempSync(join(tmpdir(), 'shardhub-test-'));
const handler = fixture(`loads-once.mjs?dir=${encodeURIComponent(dir)}`);
const halfUp = await attempt({ port: 0, workers: 2, handler });
rmSync(dir, { recursive: true });
blocker.close();
// Let go of the parent, so that only something that a hub has left behind keeps this process alive.
process.disconnect?.();
process.stdout.write(JSON.stringify({ port, outcomes, halfUp }));
