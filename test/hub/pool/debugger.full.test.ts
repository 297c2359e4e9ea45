/** Workers that a debugger holds at a breakpoint: they are not in a loop, and no process waits for them to end. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { InspectorClient } from '../../support/clients/inspector-client.js';
import { InspectorSession } from '../../support/clients/inspector-session.js';
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

describe('--inspect-workers', () => {
  /** The shortest that there are. */
  const IDLE_TIMEOUT_S = 8;
  const FLAGS = [`--handler-timeout-ms=${HANDLER_TIMEOUT_MS}`, `--idle-timeout=${IDLE_TIMEOUT_S}`];

  /** A worker that is held at a breakpoint, and a connection on each. */
  async function attach(...flags: string[]) {
    const handler = fileURLToPath(fixture('cli/breakpoint.mjs'));
    const args = ['--port=0', '--workers=2', '--inspect-workers=0', '--handler', handler, ...FLAGS, ...flags];
    const command = new Command(['serve', ...args]);
    const { url, wsUrl } = await command.started();
    const addresses = await until('the addresses', () => {
      const found = [...command.stderr.matchAll(/"inspector":"(ws:[^"]+)","shard":(\d)/g)];
      return found.length === 2 ? found : undefined;
    });
    expect(addresses.map(([, , shard]) => shard).sort()).toEqual(['0', '1']);
    const sessions = await Promise.all(addresses.map(([, address]) => InspectorSession.attach(address!)));
    for (const session of sessions) await session.breakAt('breakpoint.mjs', 6, "msg.text() === 'held'");
    const [held, other] = await connectMany(wsUrl, 2);
    const pause = async () => {
      held!.send('held');
      return until('the breakpoint', () => sessions.find(({ isPaused }) => isPaused));
    };
    return { command, url, held: held!, other: other!, pause };
  }

  test('a breakpoint is held for longer than every deadline, and nothing ends', async () => {
    const { url, held, other, pause } = await attach();
    const paused = await pause();
    const began = performance.now();
    await until('every deadline', () => performance.now() > began + 1000 * (IDLE_TIMEOUT_S + 1));
    expect(await other.ask('still served')).toBe('still served');
    expect(await other.ask('wait')).toBe('wait');
    await paused.call('Debugger.resume');
    expect(await held.nextText()).toBe('held');
    const stats = await (await fetch(`${url}/stats`)).json();
    expect(stats).toMatchObject({ workerExits: 0, handlerTimeouts: 0, connections: { open: 2, closed: {} } });
  });

  test('a reload waits for a worker at a breakpoint, and nobody is late', async () => {
    const { command, url, held, pause } = await attach('--reload-timeout-ms=1');
    const paused = await pause();
    command.kill('SIGUSR2');
    const addresses = () => [...command.stderr.matchAll(/"inspector":"(ws:[^"]+)"/g)].length;
    await until('the threads of the new version', () => addresses() === 4);
    const began = performance.now();
    await until('the time of a reload', () => performance.now() > began + 2000);
    expect(command.stderr).not.toContain('generation 2 runs');
    await paused.call('Debugger.resume');
    expect(await held.nextText()).toBe('held');
    await until('the reload', () => command.stderr.includes('generation 2 runs'));
    const stats = await (await fetch(`${url}/stats`)).json();
    expect(stats).toMatchObject({ workerExits: 0, handlerTimeouts: 0, connections: { open: 2, closed: {} } });
  });

  test('SIGTERM ends the process with a debugger attached', async () => {
    const { command } = await attach();
    command.kill('SIGTERM');
    expect(await command.exited).toMatchObject({ code: 0, signal: null });
  });

  test('a second SIGTERM ends it with a worker at a breakpoint', async () => {
    const { command, other, pause } = await attach('--drain-timeout-ms=3600000');
    await pause();
    command.kill('SIGTERM');
    await other.closed;
    command.kill('SIGTERM');
    expect(await command.exited).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});
