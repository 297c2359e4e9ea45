/** The log: what is written at which level, what is summed up, and that nothing waits for a log that nobody takes, or fails with it. */
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fetchRaw } from '../support/clients/http-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { BINARY, Command, type CommandOptions } from '../support/processes/command-line.js';
import { closedPipe, fullDisk, fullPipe } from '../support/processes/outputs.js';
import { freePort } from '../support/processes/ports.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { fixture, type LogLine, recordingLogger, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const HANDLER = fileURLToPath(fixture('log.mjs'));
const FLAGS = ['--handler', HANDLER, '--on-handler-error', 'ignore'];

async function serve(options: CommandOptions, ...flags: string[]) {
  const command = new Command(['serve', '--port', '0', ...FLAGS, ...flags], options);
  return { command, ...(await command.started()) };
}

async function statsOf(url: string) {
  return JSON.parse((await fetchRaw(`${url}/stats`)).body.toString());
}

/** It serves whoever comes, and ends when it is told to. */
async function expectWell(command: Command, url: string, wsUrl: string): Promise<void> {
  expect((await fetchRaw(`${url}/healthz`)).status).toBe(200);
  expect(await (await WsClient.connect(wsUrl)).ask('still there')).toBe('still there');
  command.kill('SIGTERM');
  expect(await command.exited).toMatchObject({ code: 0, signal: null });
}

const OUTPUTS: [what: string, makeOutput: () => number][] = [
  ['a full disk', fullDisk],
  ['a pipe that nobody reads', fullPipe],
  ['a pipe whose reader has gone', closedPipe],
];

describe('a log that nobody takes', () => {
  test.each(OUTPUTS.flatMap(([what, make]) => [1, 0].map((workers) => [what, workers, make] as const)))(
    '%s, workers: %i: lines are dropped and counted',
    async (_, workers, makeOutput) => {
      const { command, url, wsUrl } = await serve(
        { stderr: makeOutput() },
        '--workers',
        `${workers}`,
        '--log-level',
        'debug',
      );
      const client = await WsClient.connect(wsUrl);
      for (let i = 0; i < 8; i++) client.send('fail 20000');
      expect(await client.ask('answered')).toBe('answered');
      // More than may wait, where lines wait at all.
      for (let i = 0; i < 500; i++) await fetchRaw(`${url}/${'p'.repeat(3000)}`);
      const { handlerErrors, logLinesDropped } = await statsOf(url);
      expect(handlerErrors).toBe(8);
      expect(logLinesDropped).toBeGreaterThan(5);
      await expectWell(command, url, wsUrl);
    },
  );

  test('a socket: lines wait for a reader that is slow, and arrive whole and in order', async () => {
    const { command, url, wsUrl } = await serve({}, '--workers', '1');
    command.child.stderr?.pause();
    const client = await WsClient.connect(wsUrl);
    // Less than may wait, and more than a socket takes.
    for (let i = 0; i < 8; i++) client.send(`fail 30000 ${i}`);
    await until('all to have failed', async () => (await statsOf(url)).handlerErrors === 8);
    command.child.stderr?.resume();
    await until('all lines', () => command.stderr.split('\n').length > 8);
    const lines = command.stderr.trimEnd().split('\n');
    const names = lines.map((line) => JSON.parse(line).err.message[0]);
    expect(names).toEqual([...'01234567']);
    expect((await statsOf(url)).logLinesDropped).toBe(0);
    await expectWell(command, url, wsUrl);
  });

  test('a disk that is full has room again: what is logged then is there, each on its line', async () => {
    const path = join(temporaryFolder(), 'log');
    const stderr = openSync(path, 'a');
    onTestFinished(() => closeSync(stderr));
    // In blocks of 512 bytes, or of 1024.
    const script = 'trap \'\' XFSZ; ulimit -f 8; exec "$@"';
    const args = ['-c', script, 'sh', process.execPath, BINARY, 'serve', '--port', '0', ...FLAGS];
    const command = new Command(args, { binary: '/bin/sh', stderr });
    const { url, wsUrl } = await command.started();
    const client = await WsClient.connect(wsUrl);
    for (let i = 0; i < 5; i++) client.send('fail 1000');
    await until('a line that is dropped', async () => (await statsOf(url)).logLinesDropped > 0);
    truncateSync(path);
    await until('a line', async () => {
      client.send('fail 1');
      await client.ask('sent');
      return readFileSync(path, 'utf8').includes('\n{');
    });
    const lines = readFileSync(path, 'utf8').split('\n');
    const whole = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    expect(whole.map(({ msg }) => msg)).toContain('a handler failed: x');
    await expectWell(command, url, wsUrl);
  });

  test('a complaint that cannot be written does not keep a command that fails from ending', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    const port = await until('a port', () => (server.address() as { port: number } | null)?.port);
    for (const [what, makeOutput] of OUTPUTS) {
      // Each has its own: a Node.js that ends makes what it shares with another block again.
      const failing = new Command(['serve', '--port', `${port}`], { stderr: makeOutput() });
      const mistyped = new Command(['serve', '--prot', `${port}`], { stderr: makeOutput() });
      expect(await failing.exited, what).toMatchObject({ code: 1, stdout: '' });
      expect(await mistyped.exited, what).toMatchObject({ code: 2, stdout: '' });
    }
  });
});

describe('a stdout that nobody takes', () => {
  test.each(OUTPUTS)(
    '%s: it serves all the same, and what handlers print waits nowhere',
    async (_, makeOutput) => {
      const port = await freePort();
      const [url, wsUrl] = [`http://127.0.0.1:${port}`, `ws://127.0.0.1:${port}/ws`];
      const command = new Command(['serve', '--port', `${port}`, '--workers', '1', ...FLAGS], {
        stdout: makeOutput(),
      });
      const isUp = () =>
        fetchRaw(`${url}/readyz`).then(
          ({ status }) => status === 200,
          () => false,
        );
      await until(() => `the hub; stderr: ${command.stderr}`, isUp);
      const client = await WsClient.connect(wsUrl);
      for (let i = 0; i < 50; i++) expect(await client.ask('print 100000')).toBe('print 100000');
      await until('nothing to wait in the worker', async () => (await client.ask('waiting')) === '0');
      expect((await statsOf(url)).logLinesDropped).toBeGreaterThan(30);
      await expectWell(command, url, wsUrl);
    },
  );
});

describe('a logger that fails', () => {
  const failure = new Error('thrown by the logger');
  const failing = {
    throws: () => {
      throw failure;
    },
    rejects: () => Promise.reject(failure),
  };

  test.each([
    ['throws', 2],
    ['throws', 0],
    ['rejects', 2],
    ['rejects', 0],
  ] as const)('it %s, workers: %i: counted, and nobody is harmed', async (how, workers) => {
    const fail = failing[how];
    const { hub } = await startHub({
      workers,
      handler: fixture('log.mjs'),
      logger: { error: fail, warn: fail, info: fail, debug: fail },
    });
    const [client, bystander] = [await WsClient.connect(hub.wsUrl), await WsClient.connect(hub.wsUrl)];
    const before = hub.stats().logLinesDropped;
    client.send('fail 1');
    expect((await client.closed).code).toBe(1011);
    expect(await bystander.ask('beside')).toBe('beside');
    await until('the line to be counted', () => hub.stats().logLinesDropped > before);
  });

  test('it throws when it is asked for its levels', async () => {
    const logger = { ...recordingLogger([]), isLevelEnabled: failing.throws };
    const { hub } = await startHub({ logger });
    expect(await (await WsClient.connect(hub.wsUrl)).ask('hello')).toBe('hello');
    expect(hub.stats().logLinesDropped).toBeGreaterThan(0);
  });
});

describe('repeated lines', () => {
  test('are summed up, and every one is told of', async () => {
    const { hub, log } = await startHub({ handler: fixture('log.mjs'), onHandlerError: 'ignore' });
    const client = await WsClient.connect(hub.wsUrl);
    for (let i = 0; i < 500; i++) client.send('fail 10');
    expect(await client.ask('behind them')).toBe('behind them');
    await hub.close();
    const failed = log.filter(
      ({ level, message }) => level === 'error' && message.startsWith('a handler failed'),
    );
    const written = failed.filter(({ details }) => 'err' in details).length;
    const summaries = failed.filter(({ details }) => 'repeated' in details);
    const leftOut = summaries.reduce((sum, { details }) => sum + Number(details.repeated), 0);
    expect(written + leftOut).toBe(500);
    expect(leftOut).toBeGreaterThan(0);
    // Each second has its ten and its summary.
    expect(written).toBeLessThanOrEqual(10 * summaries.length);
    for (const { message, details } of summaries)
      expect(message).toContain(`: repeated ${details.repeated} times`);
  });

  test('a summary comes by itself, and other kinds have their own', async () => {
    const { hub, log } = await startHub({
      handler: fixture('faults.mjs'),
      onHandlerError: 'ignore',
    });
    const client = await WsClient.connect(hub.wsUrl);
    for (let i = 0; i < 50; i++) client.send('throw');
    expect(await client.ask('behind them')).toBe('behind them');
    client.send('exit');
    await until('the summary', () => log.some(({ details }) => 'repeated' in details));
    expect(log.some(({ message }) => message === 'a worker ended')).toBe(true);
  });
});

describe('levels', () => {
  /** Whether there is a line about descriptors, and at which level, depends on the machine. */
  const isOfTheHub = (message: string) => !message.startsWith('file descriptors');

  async function live(isOn: boolean) {
    const log: LogLine[] = [];
    const logger = { ...recordingLogger(log), isLevelEnabled: () => isOn };
    const { hub } = await startHub({ logger, origins: ['https://app.example'] });
    const client = await WsClient.connect(hub.wsUrl, { origin: 'https://app.example' });
    const { id } = [...hub.connections()][0]!;
    expect(await client.ask('hello')).toBe('hello');
    await expect(WsClient.connect(hub.wsUrl, { origin: 'https://evil.example' })).rejects.toThrow();
    expect((await fetchRaw(`${hub.url}/nowhere`)).status).toBe(404);
    await client.close(4001, 'enough');
    await until('the connection to be gone', () => hub.stats().connections.open === 0);
    const { url, wsUrl } = hub;
    await hub.close({ timeoutMs: 1234 });
    return { log: log.filter(({ message }) => isOfTheHub(message)), id, url, wsUrl };
  }

  test('info: start, drain and stop; debug: connections and refusals; nothing for a message', async () => {
    const { log, id, url, wsUrl } = await live(true);
    expect(log.filter(({ level }) => level === 'info')).toMatchObject([
      {
        message: 'the hub runs',
        details: {
          url,
          wsUrl,
          workers: 2,
          handler: 'echo',
          engine: { name: 'uws' },
          version: expect.any(String),
        },
      },
      { message: 'the hub drains', details: { connections: 0, timeoutMs: 1234 } },
      { message: 'the hub has stopped' },
    ]);
    const remoteAddress = '127.0.0.1';
    const end = { code: 4001, reason: 'enough', by: 'peer', durationMs: expect.any(Number) };
    const closed = { connection: id, remoteAddress, path: '/ws', shard: 0, ...end };
    expect(log.filter(({ level }) => level === 'debug')).toMatchObject([
      { message: 'a handshake was refused', details: { reason: 'bad-origin', path: '/ws', remoteAddress } },
      { message: 'a request was refused', details: { reason: 'not-found', path: '/nowhere', remoteAddress } },
      { message: 'a connection closed', details: closed },
    ]);
    expect(log).toHaveLength(6);
  });

  test('a logger whose levels are off is not called', async () => {
    expect((await live(false)).log).toEqual([]);
  });

  test('on the command line: lines of JSON on stderr, the start line on stdout as ever', async () => {
    const { command, line, wsUrl } = await serve({}, '--workers', '1', '--log-level', 'debug');
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('hello')).toBe('hello');
    command.kill('SIGTERM');
    const { code, stdout, stderr } = await command.exited;
    expect([code, stdout]).toEqual([0, line]);
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text))
      .filter(({ msg }) => isOfTheHub(msg));
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [30, 'the hub runs'],
      [30, 'the hub drains'],
      [20, 'a connection closed'],
      [30, 'the hub has stopped'],
    ]);
    expect(lines[0].wsUrl).toBe(wsUrl);
  });
});
