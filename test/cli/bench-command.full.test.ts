/** `shardhub bench` through the real binary: what it prints, how it ends, and what it says of wrong usage. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BENCH_FLAGS, BENCH_USAGE } from '../../src/cli/bench/flags.js';
import type { ToolFlag } from '../../src/cli/flags/tool-flags.js';
import { duration, HEADER, ORIGIN, TOKEN } from '../../src/cli/flags/values.js';
import { LOAD_OPTIONS } from '../../src/loadgen/options.js';
import { BINARY, Command, runCommand } from '../support/processes/command-line.js';
import { acceptFor } from '../support/protocol/accept.js';
import { echo, startEchoServer, startRawServer } from '../support/servers/echo-servers.js';
import { startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const SHORT = ['-c', '2', '-d', '200ms', '--warmup', '0'];
const URL = 'ws://127.0.0.1:1/';

test('a run against a hub: tables, exit code 0', async () => {
  const { hub } = await startHub();
  const { code, stdout, stderr } = await runCommand([
    'bench',
    hub.wsUrl,
    ...SHORT,
    '-i',
    '3',
    '-s',
    '100',
    '-t',
    '2',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const head of ['min', 'mean', 'p50', 'p75', 'p90', 'p97.5', 'p99', 'p99.9', 'max'])
    expect(stdout).toContain(` ${head} `);
  expect(stdout).toMatch(/│ Load +│ 2 connections, 3 in flight each, 100 B +│/);
  expect(stdout).toMatch(/│ Throughput │ [\d,.]+ messages\/s, [\d.]+ MB\/s each way +│/);
  expect(stdout).toMatch(/│ Messages +│ [\d,]+ echoed in (?!0\.[01])\d+\.\d\d s +│/);
  expect(stdout).toMatch(/│ Errors +│ none +│/);
  expect(stdout).toMatch(/│ Generator +│ 2 threads, busy \d+ % of the time +│/);
});

test('an open loop with every other option', async () => {
  const requests: Record<string, unknown>[] = [];
  const kinds = new Set<boolean>();
  const { url, server } = await startEchoServer(
    (socket, data, isBinary, number) => {
      kinds.add(isBinary);
      echo(socket, data, isBinary, number);
    },
    { tls: true, handleProtocols: (names) => [...names][0]! },
  );
  server.on('connection', (_, { headers }) => requests.push(headers));
  const options = ['--rate', '200.5', '--text', '--insecure', '--ramp', '0.01s', '--size=12', '--threads=1'];
  const handshake = [
    '--header',
    'X-A: 1:2',
    '--header=x-b:  3 ',
    '--header',
    'X-B: é',
    '--subprotocol',
    'p',
    '--origin',
    'https://a.example',
  ];
  const { code, stdout, stderr } = await runCommand(['bench', url, ...SHORT, ...options, ...handshake]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/2 connections, 201 messages\/s asked for, 12 B/);
  expect(stdout).toMatch(/\d messages sent late/);
  expect([...kinds]).toEqual([false]);
  const expected = {
    'x-a': '1:2',
    'x-b': '3, é',
    'sec-websocket-protocol': 'p',
    origin: 'https://a.example',
  };
  expect(requests).toMatchObject([expected, expected]);
});

test('--json prints the result', async () => {
  const { url } = await startEchoServer();
  // An address of HTTP counts as one of WebSocket, as for the client.
  const address = url.replace('ws:', 'http:');
  const { code, stdout, stderr } = await runCommand(['bench', address, ...SHORT, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ connections: 2, inFlight: 1, size: 64, errors: { lost: 0, closed: 0 } });
  expect(result.messages).toBeGreaterThan(0);
  expect(result.histogram).toMatch(/^HIST/);
});

describe('exit code 1', () => {
  test('a wrong echo, named in the tables and on stderr', async () => {
    const { url } = await startEchoServer((socket, data, isBinary, number) => {
      echo(socket, data, isBinary, number);
      if (number === 0) echo(socket, data, isBinary, number);
    });
    const { code, stdout, stderr } = await runCommand(['bench', url, ...SHORT]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/│ Errors +│ 2 repeated +│/);
    expect(stderr).toMatch(/^shardhub: first error: connection [01]: the echo of message 0 came again\n$/);
  });

  test('a connection that fails', async () => {
    const { code, stdout, stderr } = await runCommand(['bench', URL, ...SHORT]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    const said = 'nothing was measured, as a connection failed: connection';
    expect(stderr).toMatch(new RegExp(`^shardhub: ${said} \\d: connect ECONNREFUSED 127\\.0\\.0\\.1:1\\n$`));
  });

  test('what a server says reaches no terminal as a command', async () => {
    const evil = '\u001b]0;owned\u0007\u009b2J';
    const { url } = await startRawServer((socket, request) => {
      const head = [
        'HTTP/1.1 101 OK',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${acceptFor(request)}`,
      ];
      socket.write([...head, `Sec-WebSocket-Protocol: ${evil}`, '', ''].join('\r\n'), 'latin1');
    });
    const outcomes = [
      await runCommand(['bench', url, ...SHORT]),
      await runCommand(['bench', url, ...SHORT, '--json']),
    ];
    for (const { code, stdout, stderr } of outcomes) {
      expect(code).toBe(1);
      expect(stderr).toContain('\\x1b]0;owned\\x07\\x9b2J');
      expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }
    expect(JSON.parse(outcomes[1]!.stdout).firstError).toContain(evil);
  });

  test.skipIf(!existsSync('/dev/full'))('a disk that is full', async () => {
    const { url } = await startEchoServer();
    for (const command of [`bench ${url} -c 1 -d 100ms --warmup 0`, `client ${url} --ping`]) {
      const line = `exec '${process.execPath}' '${BINARY}' ${command} > /dev/full`;
      const { code, stderr } = await runCommand(['-c', line], { binary: '/bin/sh' });
      expect({ command, code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/shardhub: stdout: .*ENOSPC/),
      });
    }
  });

  test('a connection that ends, as JSON', async () => {
    const { url } = await startEchoServer((socket) => socket.close(1001));
    const { code, stdout } = await runCommand(['bench', url, '-c', '1', '-d', '60m', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      errors: { closed: 1 },
      firstError: 'connection 0: the server closed the connection with code 1001',
    });
  });
});

describe('a stop signal', () => {
  test.each([
    [0, false],
    [1, true],
  ])('ends the run, prints what was measured, and exits with %i', async (code, repeats) => {
    const { url, received } = await startEchoServer((socket, data, isBinary, number) => {
      echo(socket, data, isBinary, number);
      if (repeats && number === 5) echo(socket, data, isBinary, number);
    });
    const command = new Command(['bench', url, '-c', '1', '--warmup', '0', '-d', '60m']);
    await until('some load', () => received() > 100);
    command.kill('SIGINT');
    const outcome = await command.exited;
    expect(outcome).toMatchObject({ code, signal: null });
    expect(outcome.stdout).toMatch(/│ Messages +│ [1-9][\d,]* echoed in/);
    expect(outcome.stdout).toMatch(repeats ? /│ Errors +│ 1 repeated/ : /│ Errors +│ none/);
  });
});

describe('wrong usage', () => {
  test.each<[args: string[], complaint: string]>([
    [[], "missing required argument 'url'"],
    [['ws://a:b@localhost'], `<url> got "ws://a:b@localhost" but takes ${BENCH_USAGE.address.takes}`],
    [[URL, '-c', '0'], `--connections got "0" but takes ${LOAD_OPTIONS.connections.takes}`],
    [[URL, '-i', 'x'], `--in-flight got "x" but takes ${LOAD_OPTIONS.inFlight.takes}`],
    [
      [URL, '-s', '11'],
      `--size got "11" but takes an integer from 12 to 67108864 (bytes; a message starts with its connection and its number)`,
    ],
    [[URL, '-d', '0'], `--duration got "0" but takes ${duration(1).takes}`],
    [[URL, '--warmup', '25h'], `--warmup got "25h" but takes ${duration(0).takes}`],
    [[URL, '--ramp', '1x'], `--ramp got "1x" but takes ${duration(0).takes}`],
    [[URL, '-r', '0'], `--rate got "0" but takes ${LOAD_OPTIONS.rate.takes}`],
    [[URL, '-t', '257'], `--threads got "257" but takes ${LOAD_OPTIONS.threads.takes}`],
    [[URL, '--subprotocol', 'a b'], `--subprotocol got "a b" but takes ${TOKEN.takes}`],
    [[URL, '--origin', 'a'], `--origin got "a" but takes ${ORIGIN.takes}`],
    [
      [URL, '--header', 'a', '--header', 'b: c', '--header', 'Upgrade: x'],
      `--header got "a" but takes ${HEADER.takes}; --header got "Upgrade: x" but takes ${HEADER.takes}`,
    ],
    [[URL, '-r', '5', '-i', '2'], '--in-flight bounds a closed loop and cannot be combined with --rate'],
    [
      [URL, '-c', '100000', '-i', '1000'],
      'option "inFlight" got 1000 but takes at most 500 with 100000 connections',
    ],
    [
      [URL, '-c', 'x', '-s', 'y'],
      `--connections got "x" but takes ${LOAD_OPTIONS.connections.takes}; --size got "y" but takes ${LOAD_OPTIONS.size.takes}`,
    ],
  ])('%j', async (args, complaint) => {
    expect(await runCommand(['bench', ...args])).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: `shardhub: ${complaint}\n`,
    });
  });
});

test('the help names every flag with what it takes and its default', async () => {
  const { code, stdout } = await runCommand(['bench', '--help']);
  expect(code).toBe(0);
  const text = stdout.replaceAll(/\s+/g, ' ');
  for (const { usage, description, kind, fallbackText } of Object.values<ToolFlag<unknown>>(BENCH_FLAGS)) {
    const takes = kind === undefined ? '' : ` takes ${kind.takes}`;
    expect(text).toContain(`${usage} ${description}${takes} default: ${fallbackText}`);
  }
});
