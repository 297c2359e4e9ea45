/** The command line through its real binary: what it prints, how it ends, and what a user gets who types it wrong. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { Command, type Outcome, parseStartLine, runCommand } from '../support/processes/command-line.js';
import { until } from '../support/until.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const PACKAGE = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const AN_HOUR = '3600000';
const NUMBERS = Array.from({ length: 50 }, (_, i) => String(i));

/** One line on stderr, nothing on stdout, no stack trace. */
function expectOneComplaint(outcome: Outcome, code: number, ...parts: (string | RegExp)[]): void {
  expect(outcome).toMatchObject({ code, signal: null, stdout: '' });
  expect(outcome.stderr).toMatch(/^shardhub: [^\n]+\n$/);
  expect(outcome.stderr).not.toMatch(/ at .*:\d+:\d+/);
  for (const part of parts) expect(outcome.stderr).toMatch(part);
}

function temporaryFile(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'shardhub-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

describe('serve', () => {
  test('prints one line with the addresses, the handler, the number of workers and the engine', async () => {
    const command = new Command(['serve', '--port', '0', '--workers', '2']);
    const { line, url, wsUrl } = await command.started();
    const { port } = new URL(url);
    expect(Number(port)).toBeGreaterThan(0);
    expect(line).toBe(
      `shardhub: page http://127.0.0.1:${port}/, WebSocket ws://127.0.0.1:${port}/ws, handler echo, 2 workers, engine uws\n`,
    );
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('hello')).toBe('hello');
    client.send(Uint8Array.of(1, 2, 3));
    expect(await client.next()).toEqual({ data: Buffer.from([1, 2, 3]), isBinary: true });
    expect((await fetch(`${url}/`)).headers.get('content-type')).toMatch(/text\/html/);
    command.kill('SIGTERM');
    expect(await command.exited).toEqual({ code: 0, signal: null, stdout: line, stderr: '' });
  });

  test('leaves out the page when it serves none, and says what else was chosen', async () => {
    const args = ['serve', '--port=0', '--no-console', '--workers=0', '--path=/live', '--handler=done'];
    const { line, url, wsUrl } = await new Command(args).started();
    expect(line).toBe(
      `shardhub: WebSocket ws://${new URL(url).host}/live, handler done, 0 workers, engine uws\n`,
    );
    expect(await (await WsClient.connect(wsUrl)).ask('work')).toBe('binary:work done');
    expect((await fetch(`${url}/`)).status).toBe(404);
  });

  test('is configured by the environment as well', async () => {
    const env = {
      SHARDHUB_PORT: '0',
      SHARDHUB_HANDLER: 'done',
      SHARDHUB_CONSOLE: '0',
      SHARDHUB_WORKERS: '1',
    };
    const { line } = await new Command(['serve', '--handler', 'echo'], { env }).started();
    expect(line).toMatch(
      /^shardhub: WebSocket ws:\/\/127\.0\.0\.1:\d+\/ws, handler echo, 1 worker, engine uws\n$/,
    );
  });

  test('takes a relative handler path from the current folder', async () => {
    const args = ['serve', '--port', '0', '--workers', '1', '--handler', 'cli/keeps-a-timer.mjs'];
    const { line, wsUrl } = await new Command(args, { cwd: FIXTURES }).started();
    expect(line).toContain(join(FIXTURES, 'cli/keeps-a-timer.mjs'));
    expect(await (await WsClient.connect(wsUrl)).ask('mine')).toBe('mine');
  });

  test('warns about a variable that is no option, and serves', async () => {
    const env = { SHARDHUB_MAX_PLAYLOAD: '1', SHARDHUB_PORT: '0' };
    const command = new Command(['serve'], { env });
    await command.started();
    expect(command.stderr).toMatch(/^shardhub: warning: SHARDHUB_MAX_PLAYLOAD [^\n]+\n$/);
  });

  test('on more than a loopback address, makes a token for the statistics and tells it to the page alone', async () => {
    const started = () =>
      new Command(['serve', '--port', '0', '--workers', '1', '--host', '0.0.0.0']).started();
    const [first, second] = await Promise.all([started(), started()]);
    const tokenOf = (line: string) =>
      line.match(/page http:\/\/127\.0\.0\.1:\d+\/#token=([\w-]{32}), WebSocket/)?.[1];
    const token = tokenOf(first.line);
    expect(token).toBeDefined();
    expect(tokenOf(second.line)).not.toBe(token);
    const status = async (authorization: string) =>
      (await fetch(`${first.url}/stats`, { headers: { authorization } })).status;
    expect(await status(`Bearer ${token}`)).toBe(200);
    expect(await status(`Bearer ${tokenOf(second.line)}`)).toBe(401);
  });

  test.each([
    ['one that it is given', ['--stats-token', 'given-by-the-user'], 401],
    ['none without the page', ['--no-console'], 403],
    ['none without statistics', ['--no-http'], 404],
  ])('makes no token when there is %s, and prints none', async (_, flags, status) => {
    const args = ['serve', '--port', '0', '--workers', '1', '--host', '0.0.0.0', ...flags];
    const { line, url } = await new Command(args).started();
    expect(line).not.toMatch(/token|given-by-the-user/);
    expect((await fetch(`${url}/stats`)).status).toBe(status);
  });

  test('goes on when nobody reads what it prints', async () => {
    const copy = temporaryFile('stdout');
    const handler = join(FIXTURES, 'cli/copies-stdout.mjs');
    const args = ['serve', '--port', '0', '--workers', '0', '--handler', handler];
    const command = new Command(args, { env: { STDOUT_COPY: copy } });
    command.child.stdout?.destroy();
    const line = await until(
      () => `the start line; stderr: ${command.stderr}`,
      () => (existsSync(copy) ? readFileSync(copy, 'utf8') : undefined),
    );
    const client = await WsClient.connect(parseStartLine(line).wsUrl);
    expect(await client.ask('still there?')).toBe('still there?');
    command.kill('SIGTERM');
    expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('help and version', () => {
  test('--version prints the version of the package', async () => {
    const outcome = await runCommand(['--version']);
    expect(outcome).toEqual({ code: 0, signal: null, stdout: `${PACKAGE.version}\n`, stderr: '' });
  });

  test.each([['--help'], ['help']])('%s names the commands', async (...args) => {
    const outcome = await runCommand(args);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^Usage: shardhub .*\bserve\b/s);
  });
});

describe('a stop signal', () => {
  test.each([
    ['SIGTERM', 1012],
    ['SIGINT', 1001],
  ] as const)('%s drains, closes with %i and exits with 0', async (signal, code) => {
    const command = new Command(['serve', '--port', '0', '--workers', '2']);
    const { wsUrl } = await command.started();
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('before')).toBe('before');
    command.kill(signal);
    expect(await client.closed).toMatchObject({ code });
    expect(await command.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('SIGTERM under load: what was accepted is answered, then 1012', async () => {
    const barriers = new Barriers();
    const handler = join(FIXTURES, 'gates.mjs');
    const command = new Command(['serve', '--port', '0', '--workers', '2', '--handler', handler]);
    const { url, wsUrl } = await command.started();
    const clients = await connectMany(barriers.url(wsUrl), 20);
    // The first waits, so that all others are in flight when the signal comes.
    for (const client of clients) for (const text of ['wait', ...NUMBERS]) client.send(text);
    await until('all to be accepted', async () => (await inFlight(url)) === 20 * (1 + NUMBERS.length));
    command.kill('SIGTERM');
    await until('the hub to drain', () => isRefused(wsUrl));
    barriers.lift('release');
    for (const client of clients) {
      expect(await client.collectTexts(1 + NUMBERS.length)).toEqual(['waited', ...NUMBERS]);
      expect(await client.closed).toMatchObject({ code: 1012 });
    }
    expect(await command.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('SIGTERM delays the drain while /readyz says 503, and a second one ends the delay', async () => {
    const options = ['--workers=1', '--drain-delay-ms', AN_HOUR, '--drain-timeout-ms', AN_HOUR];
    const command = new Command(['serve', '--port', '0', ...options]);
    const { url, wsUrl } = await command.started();
    command.kill('SIGTERM');
    await until('/readyz to say so', async () => (await fetch(`${url}/readyz`)).status === 503);
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('still here')).toBe('still here');
    command.kill('SIGTERM');
    expect((await client.closed).code).toBe(1012);
    expect(await command.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('ends the process although a handler on the I/O thread left a timer', async () => {
    const handler = join(FIXTURES, 'cli/keeps-a-timer.mjs');
    const command = new Command(['serve', '--port', '0', '--workers', '0', '--handler', handler]);
    await command.started();
    command.kill('SIGTERM');
    expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
  });

  test.each([
    ['waits', 'wait', 'SIGTERM'],
    ['waits', 'wait', 'SIGINT'],
    ['loops', 'loop', 'SIGTERM'],
    ['is in native code', 'native', 'SIGTERM'],
  ] as const)('the second one does not wait for a handler that %s (%s, %s)', async (_, message, second) => {
    const handler = join(FIXTURES, 'cli/never-answers.mjs');
    const options = ['--workers', '1', '--drain-timeout-ms', AN_HOUR];
    const command = new Command(['serve', '--port', '0', '--handler', handler, ...options]);
    const { url, wsUrl } = await command.started();
    const client = await WsClient.connect(wsUrl);
    client.send(message);
    await until('the message to be in flight', async () => (await inFlight(url)) === 1);
    command.kill('SIGTERM');
    await until('the drain to begin', () => isRefused(wsUrl));
    expect(command.child.exitCode).toBeNull();
    command.kill(second);
    expect(await command.exited).toMatchObject({ code: null, signal: second, stderr: '' });
  });

  test('a thread in native code does not hold up the end: the signal itself is the end then', async () => {
    const handler = join(FIXTURES, 'cli/never-answers.mjs');
    const options = ['--workers=1', '--drain-timeout-ms=1'];
    const command = new Command(['serve', '--port=0', `--handler=${handler}`, ...options]);
    const { url, wsUrl } = await command.started();
    (await WsClient.connect(wsUrl)).send('native');
    await until('the message to be in flight', async () => (await inFlight(url)) === 1);
    command.kill('SIGTERM');
    const outcome = await command.exited;
    expect(outcome).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(outcome.stderr).toContain('left behind');
  });

  test('stops waiting for a handler that never finishes when the drain timeout is over', async () => {
    const handler = join(FIXTURES, 'cli/never-answers.mjs');
    const command = new Command(['serve', '--port=0', `--handler=${handler}`, '--drain-timeout-ms=1']);
    const { url, wsUrl } = await command.started();
    const client = await WsClient.connect(wsUrl);
    client.send('loop');
    await until('the message to be in flight', async () => (await inFlight(url)) === 1);
    command.kill('SIGTERM');
    expect((await command.exited).code).toBe(0);
  });

  test.each([
    ['waits', 'SIGTERM', '1'],
    ['waits', 'SIGINT', '0'],
    ['loop', 'SIGTERM', '2'],
  ] as const)(
    'ends a start that does not come to its end (%s, %s, %s workers)',
    async (mode, signal, workers) => {
      const file = temporaryFile('loading');
      const handler = join(FIXTURES, 'cli/hangs-at-load.mjs');
      const env = { LOADING_FILE: file, LOADING_MODE: mode };
      const command = new Command(['serve', '--port=0', '--workers', workers, '--handler', handler], { env });
      await until(
        () => `the handler to load; stderr: ${command.stderr}`,
        () => existsSync(file),
      );
      command.kill(signal);
      expect(await command.exited).toEqual({ code: null, signal, stdout: '', stderr: '' });
    },
  );
});

async function inFlight(url: string): Promise<number> {
  const stats = (await (await fetch(`${url}/stats`)).json()) as { messages: { inFlight: number } };
  return stats.messages.inFlight;
}

/** True when no new connection gets in. */
async function isRefused(wsUrl: string): Promise<boolean> {
  try {
    (await WsClient.connect(wsUrl)).destroy();
    return false;
  } catch {
    return true;
  }
}

async function holdPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: String((server.address() as AddressInfo).port) };
}

describe('exit code 1, when it cannot run', () => {
  test('a port in use is named', async () => {
    const { server, port } = await holdPort();
    onTestFinished(() => void server.close());
    expectOneComplaint(await runCommand(['serve', '--port', port]), 1, port);
  });

  test('the port of another hub is not shared silently', async () => {
    // Not port 0: the engine shares only a port that it was given as a number, unless it is told not to.
    const { server, port } = await holdPort();
    server.close();
    const first = new Command(['serve', '--port', port]);
    await first.started();
    expectOneComplaint(await runCommand(['serve', '--port', port]), 1, port);
    // Unless both want it shared.
    first.kill('SIGTERM');
    await first.exited;
    await new Command(['serve', '--port', port, '--share-port']).started();
    await new Command(['serve', '--port', port, '--share-port']).started();
  });

  test('a host that is not of this machine is named', async () => {
    expectOneComplaint(await runCommand(['serve', '--port', '0', '--host', '192.0.2.1']), 1, '192.0.2.1');
  });

  test.each([
    ['does not exist', 'missing/handler.mjs', /no such|not found|does not exist|cannot find/i],
    ['exports no hook', 'no-hooks.mjs', /hook/],
    ['has no default export', 'no-default.mjs', /default export/],
    ['throws while it is loaded', 'throws-at-load.mjs', /broken at load/],
  ])('a handler that %s is named with the reason', async (_, file, reason) => {
    for (const workers of ['0', '2']) {
      const args = ['serve', '--port=0', `--workers=${workers}`, '--handler', `./${file}`];
      expectOneComplaint(await runCommand(args, { cwd: FIXTURES }), 1, join(FIXTURES, file), reason);
    }
  });

  test('what is loaded before a worker, and fails there alone, is named', async () => {
    const preload =
      'import { isMainThread } from "node:worker_threads"; if (!isMainThread) throw new Error("no thread");';
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
    expectOneComplaint(await runCommand(['serve', '--port=0', '--workers=2'], { env }), 1, /no thread/);
  });

  test('a word that is neither a built-in handler nor a file', async () => {
    expectOneComplaint(await runCommand(['serve', '--port=0', '--handler=ehco']), 1, /\behco\b/);
  });
});

describe('exit code 2, for wrong usage', () => {
  test.each([
    ['an unknown flag', ['serve', '--prot', '1'], [/--prot\b/, /--port\b/]],
    ['a flag without its value', ['serve', '--port'], [/--port\b/]],
    ['a value for a switch', ['serve', '--no-console=yes'], [/--no-console\b/]],
    ['a number out of range', ['serve', '--port', '65536'], [/--port got "65536"/, /0 to 65535/]],
    ['several bad values', ['serve', '--port', 'x', '--path', 'y'], [/--port got "x"/, /--path got "y"/]],
    ['an unknown command', ['sevre'], [/sevre/, /\bserve\b/]],
    ['help on an unknown command', ['help', 'sevre'], [/unknown command 'sevre'/, /\bserve\b/]],
    ['an unknown flag before a command', ['--port', '1'], [/--port\b/]],
    ['no command', [], [/command/, /serve/]],
    ['a word too many', ['serve', 'echo'], [/too many arguments/]],
  ])('%s', async (_, args, parts) => {
    expectOneComplaint(await runCommand(args), 2, ...parts);
  });

  test('a bad variable is named, unless a flag overrules it', async () => {
    const env = { SHARDHUB_WORKERS: '1e2', SHARDHUB_SEND_PINGS: 'maybe', SHARDHUB_PORT: 'x' };
    const outcome = await runCommand(['serve', '--port', '0'], { env });
    expectOneComplaint(outcome, 2, /SHARDHUB_WORKERS got "1e2"/, /SHARDHUB_SEND_PINGS got "maybe"/);
    expect(outcome.stderr).not.toContain('SHARDHUB_PORT');
  });
});
