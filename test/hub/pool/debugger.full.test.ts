/** Workers that a debugger holds at a breakpoint: they are not in a loop, and no process waits for them to end. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { InspectorClient } from '../../support/clients/inspector-client.js';
import { connectMany } from '../../support/clients/ws-client.js';
import { Command } from '../../support/processes/command-line.js';
import { fixture } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const HANDLER_TIMEOUT_MS = 100;

async function pause(...options: string[]) {
  const handler = fileURLToPath(fixture('cli/breakpoint.mjs'));
  const args = [
    '--port=0',
    '--workers=2',
    '--handler',
    handler,
    `--handler-timeout-ms=${HANDLER_TIMEOUT_MS}`,
  ];
  const env = { NODE_OPTIONS: '--inspect=0' };
  const command = new Command(['serve', ...args, ...options], { env });
  const { url, wsUrl } = await command.started();
  const address = /ws:\S+/.exec(command.stderr)![0];
  const inspector = await InspectorClient.attach(address, 2);
  // One on each shard.
  const [stopped, other] = await connectMany(wsUrl, 2);
  stopped!.send('stop');
  await until('the breakpoint', () => inspector.paused.size === 1);
  return { command, inspector, url, stopped: stopped!, other: other! };
}

test('a worker at a breakpoint is not ended for a loop, and goes on when it may', async () => {
  const { command, inspector, url, stopped, other } = await pause();
  await until('the watchdog to look', () => command.stderr.includes('an inspector is open'));
  const began = performance.now();
  await until('a loop to be found', () => performance.now() > began + 4 * HANDLER_TIMEOUT_MS);
  expect(await other.ask('still served')).toBe('still served');
  inspector.resume();
  expect(await stopped.nextText()).toBe('stop');
  expect(await (await fetch(`${url}/stats`)).json()).toMatchObject({ workerExits: 0, handlerTimeouts: 0 });
});

/** The debugger stays: Node.js waits for it to leave when a process exits. */
describe('a worker at a breakpoint does not keep the process from ending', () => {
  test('at SIGTERM, when the drain is over', async () => {
    const { command } = await pause('--drain-timeout-ms=1');
    command.kill('SIGTERM');
    const { code, signal, stderr } = await command.exited;
    expect([code, signal]).toEqual([null, 'SIGTERM']);
    expect(stderr).toContain('left behind');
  });

  test('at a second SIGTERM, in the drain', async () => {
    const { command, other } = await pause('--drain-timeout-ms=3600000');
    command.kill('SIGTERM');
    await other.closed;
    command.kill('SIGTERM');
    expect(await command.exited).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});
