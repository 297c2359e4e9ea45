/** `shardhub client --reconnect`: when it connects again, how long it waits, and what it does not send again. */
import { describe, expect, test } from 'vitest';
import { BASE_MS, Backoff, CAP_MS, STABLE_MS } from '../../../src/cli/client/backoff.js';
import { client, startClient } from '../../support/processes/client-command.js';
import { WsServer } from '../../support/servers/ws-server.js';
import { until } from '../../support/until.js';

describe('--reconnect', () => {
  test('goes on after the server has started again', async () => {
    const first = await WsServer.start();
    const command = startClient([first.url, '--reconnect']);
    command.child.stdin?.write('one\n');
    await until('a reply', () => command.stdout === 'one\n');
    await first.stop();
    await until('an attempt', () => command.stderr.includes('connecting again'));
    const second = await WsServer.start({ port: first.port });
    command.child.stdin?.end('two\n');
    expect(await command.exited).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });
    expect(second.texts).toEqual(['two']);
  });

  test('sends nothing twice: a reply that was lost is a failure', async () => {
    let connections = 0;
    const server = await WsServer.start({
      onConnection: (socket) => {
        if (connections++ === 0) socket.once('message', () => socket.terminate());
      },
    });
    const outcome = await client([server.url, '--reconnect', '--send', 'a']);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('1 reply lost with a connection');
    expect(server.texts).toEqual(['a']);
    expect(connections).toBe(2);
  });

  test('does not repeat what would be refused again', async () => {
    const server = await WsServer.start({ ws: { verifyClient: () => false } });
    const outcome = await client([server.url, '--reconnect', '--send', 'a']);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).not.toContain('connecting again');
  });

  test('Ctrl-C ends the wait as well', async () => {
    const server = await WsServer.start();
    const command = startClient([server.url, '--reconnect']);
    await until('the connection', () => command.stderr.includes('connected'));
    await server.stop();
    // The more attempts there were, the longer is the wait.
    await until('some attempts', () => command.stderr.split('connecting again').length > 3);
    command.kill('SIGINT');
    const { code, stderr } = await command.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nshardhub: stopped before there was a connection\n$/);
  });
});

describe('the wait before connecting again', () => {
  test('is drawn from a range that doubles up to its cap', () => {
    const longest = new Backoff(() => 1 - Number.EPSILON);
    const waits = Array.from({ length: 9 }, () => longest.next(0));
    const ceilings = [1, 2, 4, 8, 16, 32].map((factor) => factor * BASE_MS);
    expect(waits).toEqual([...ceilings, CAP_MS, CAP_MS, CAP_MS].map((ceiling) => ceiling - 1));
    expect(new Backoff(() => 0).next(0)).toBe(0);
  });

  test('starts over after a stable connection, and not after a short one', () => {
    const backoff = new Backoff(() => 0.5);
    expect([0, STABLE_MS - 1, STABLE_MS - 1, STABLE_MS, 0].map((openMs) => backoff.next(openMs))).toEqual(
      [1, 2, 4, 1, 2].map((factor) => (factor * BASE_MS) / 2),
    );
  });
});
