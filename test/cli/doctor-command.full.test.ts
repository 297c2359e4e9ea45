/** `shardhub doctor` on this machine, and the warnings of `serve`. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Command, runCommand } from '../support/processes/command-line.js';

/** 64 GiB: more than most machines have. */
const TOO_MUCH = '68719476736';

test('it names what it looked at, and starts a hub', async () => {
  const { stdout, stderr } = await runCommand(['doctor', '--port=0', '--workers=1']);
  expect(stderr).toBe('');
  for (const name of ['Node.js', 'cores', 'memory', 'clock'])
    expect(stdout).toMatch(new RegExp(`^(ok  |LOOK)  ${name}: `, 'm'));
  expect(stdout).toMatch(/^ok {4}engine: (uws, as it loads here|node, as .*`npm install .*`)$/m);
  expect(stdout).toMatch(/^ok {4}start: a hub starts, at ws:\/\//m);
});

test('a broker that does not answer: what it is, and what to do', async () => {
  // Of the discard service: nobody listens there.
  const broker = '--broker=nats://127.0.0.1:9';
  const { code, stdout } = await runCommand(['doctor', '--port=0', '--workers=1', broker]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^LOOK {2}start: the broker nats \(127\.0\.0\.1:9\) cannot be used: .*\n +\S/m);
});

test('an address that is taken, and bounds beyond the memory: exit code 1, and what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const args = [`--port=${port}`, '--workers=1', '--max-in-flight-bytes', TOO_MUCH];
  const { code, stdout } = await runCommand(['doctor', ...args]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^LOOK {2}memory: .*\n +lower maxInFlightBytes/m);
  expect(stdout).toMatch(/^ok {4}engine: /m);
  expect(stdout).toMatch(/^LOOK {2}start: .*\n +serve would end with this$/m);
});

test('serve warns of it in one line, and serves', async () => {
  const command = new Command(['serve', '--port=0', '--workers=1', '--max-in-flight-bytes', TOO_MUCH]);
  await command.started();
  expect(command.stderr).toMatch(/^shardhub: warning: memory: [^\n]*; lower maxInFlightBytes[^\n]*\n$/);
});
