/** `shardhub client` when there is no connection, and when it is typed wrong: what it says, and its exit code. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Problem, Report } from '../../../src/cli/client/report.js';
import { Session } from '../../../src/cli/client/session.js';
import { client } from '../../support/processes/client-command.js';
import { freePort } from '../../support/processes/ports.js';
import { startMuteServer, WsServer } from '../../support/servers/ws-server.js';

/** One line on stderr that says what went wrong and what to do, nothing on stdout. */
async function expectFailure(args: string[], ...parts: (string | RegExp)[]): Promise<void> {
  const outcome = await client(args);
  expect(outcome).toMatchObject({ code: 1, signal: null, stdout: '' });
  expect(outcome.stderr).toMatch(/^shardhub: [^\n]+ \([^\n]+\)\n$/);
  for (const part of parts) expect(outcome.stderr).toMatch(part);
}

describe('what the server is told', () => {
  test('headers, subprotocols and origin', async () => {
    const server = await WsServer.start({ ws: { handleProtocols: () => 'b.v2' } });
    const headers = ['--header', 'X-One: 1', '--header=X-Many: a', '--header', 'x-many:b: c'];
    const protocols = ['--subprotocol', 'a', '--subprotocol', 'b.v2'];
    const args = [...headers, ...protocols, '--origin', 'https://example.com'];
    const outcome = await client([server.url, ...args, '--send', 'x', '--json']);
    expect(outcome).toMatchObject({ code: 0 });
    expect(JSON.parse(outcome.stdout.split('\n')[0] as string)).toMatchObject({ subprotocol: 'b.v2' });
    expect(server.requests[0]?.headers).toMatchObject({
      'x-one': '1',
      'x-many': 'a, b: c',
      'sec-websocket-protocol': 'a,b.v2',
      origin: 'https://example.com',
    });
  });

  test('nothing that was not asked for', async () => {
    const server = await WsServer.start();
    await client([server.url]);
    expect(Object.keys(server.requests[0]?.headers ?? {}).sort()).toEqual([
      'connection',
      'host',
      'sec-websocket-key',
      'sec-websocket-version',
      'upgrade',
    ]);
  });

  test('the credentials of the address, which are not shown', async () => {
    const server = await WsServer.start();
    const address = server.url.replace('//', '//me:secret%21@');
    const outcome = await client([address, '--send', 'x']);
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${btoa('me:secret!')}`);
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain(`connected to ${server.url}`);
  });
});

describe('no connection', () => {
  test('refused', async () => {
    const port = await freePort();
    const parts = [`connection refused by 127.0.0.1:${port}`, 'is the server running'];
    await expectFailure([`ws://127.0.0.1:${port}/`], ...parts);
  });

  test('an unknown name', () =>
    expectFailure(
      ['ws://nonexistent.invalid/'],
      /the name nonexistent\.invalid (was not found|could not be looked up)/,
    ));

  test('403 with its body', async () => {
    const server = await WsServer.start({
      ws: { verifyClient: (_, done) => done(false, 403, 'No entry\nfor you.\n') },
    });
    await expectFailure(
      [server.url],
      'the server answered 403 Forbidden with: No entry\\nfor you. (',
      '--origin',
    );
  });

  test.each([
    [200, {}, 'hello', /200 OK with: hello \(is this the address of a WebSocket\?\)/],
    [200, {}, '\n<!DOCTYPE html>\n<p>hi', /200 OK with a page \(is this the address of a WebSocket\?\)/],
    [302, { location: '/new\u0080' }, '', /302 Found to \/new\\x80 \(redirects are not followed/],
    [401, {}, 'who?', /401 Unauthorized with: who\? \(.*--header 'Authorization: …'\)/],
    [503, {}, 'x'.repeat(5000), /503 Service Unavailable with: x{1000}… \(try again later/],
  ])('%i', async (status, headers, body, expected) => {
    const http = createServer();
    http.on('upgrade', (_, socket) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const head = `HTTP/1.1 ${status} x\r\nContent-Length: ${body.length}\r\n${lines.join('')}\r\n`;
      socket.end(Buffer.from(head + body, 'latin1'));
    });
    await using server = await listen(http);
    await expectFailure([server.url], expected);
  });

  test('an endless body is cut off', async () => {
    const http = createServer();
    http.on('upgrade', (_, socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n');
      const more = () =>
        socket.destroyed || socket.write(`3e8\r\n${'y'.repeat(1000)}\r\n`, () => setImmediate(more));
      more();
    });
    await using server = await listen(http);
    await expectFailure([server.url], /403 Forbidden with: y{1000}… \(/);
  });

  test('a body that never ends is reported after --timeout, as far as it came', async () => {
    const http = createServer();
    http.on('upgrade', (_, socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 403 x\r\nContent-Length: 100\r\n\r\nbegin');
    });
    await using server = await listen(http);
    await expectFailure([server.url, '--timeout', '5s'], '403 Forbidden with: begin (');
  });

  test('no handshake within --timeout', async () => {
    const { url } = await startMuteServer({ isHandshakeAnswered: false });
    await expectFailure(
      [url, '--timeout', '50ms'],
      'timeout: no handshake within 0.05 s (to wait longer: --timeout)',
    );
  });

  test('a certificate that nobody vouches for, unless --insecure', async () => {
    const server = await WsServer.start({ isSecure: true });
    await expectFailure(
      [server.url, '--send', 'x'],
      'the certificate of the server was not accepted',
      '--insecure',
    );
    expect(server.requests).toEqual([]);
    const outcome = await client([server.url, '--send', 'x', '--insecure']);
    expect(outcome).toMatchObject({ code: 0, stdout: 'x\n' });
  });

  test('TLS where there is none, and none where there is', async () => {
    const plain = await WsServer.start();
    const secure = await WsServer.start({ isSecure: true });
    await expectFailure(
      [plain.url.replace('ws:', 'wss:')],
      'does not speak TLS as it should (does it expect ws://?)',
    );
    await expectFailure([secure.url.replace('wss:', 'ws:')], 'does it expect wss://?');
  });

  test('no subprotocol that was offered', async () => {
    const server = await WsServer.start({ ws: { handleProtocols: () => false } });
    await expectFailure(
      [server.url, '--subprotocol', 'a'],
      'the WebSocket handshake failed',
      'see --subprotocol',
    );
  });

  test('as JSON as well', async () => {
    const { code, stdout, stderr } = await client([
      `ws://127.0.0.1:${await freePort()}/`,
      '--json',
      '--ping',
    ]);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { event: 'error', code: 'ECONNREFUSED', message: expect.stringContaining('refused') },
      { event: 'ping', alive: false, cause: 'no connection' },
    ]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('refused') });
  });
});

test('a message that cannot be shown ends it as a failure', async () => {
  const server = await WsServer.start();
  const problems: Problem[] = [];
  const report: Report = {
    open() {},
    message() {
      // As JSON.stringify throws it for a text that gets too long.
      throw new RangeError('Invalid string length');
    },
    close() {},
    error: (problem) => problems.push(problem),
    ping() {},
    note() {},
  };
  const target = {
    url: new URL(server.url),
    headers: [],
    subprotocols: [],
    origin: undefined,
    isInsecure: false,
    maxPayload: 1000,
    handshakeTimeoutMs: 40_000,
  };
  const plan = { count: 2, waitMs: undefined, timeoutMs: 40_000, backoff: undefined };
  async function* messages() {
    yield 'a';
  }
  const isFine = await new Session(target, plan, report).run({ messages: messages(), isEndless: false });
  expect(isFine).toBe(false);
  expect(problems).toEqual([
    { message: 'a message of 1 bytes cannot be shown: Invalid string length', code: 'OUTPUT' },
  ]);
  expect(await server.closed()).toEqual([{ code: 1000, reason: '' }]);
});

test('a message over --max-payload ends the connection with 1009', async () => {
  const server = await WsServer.start({ onConnection: (socket) => socket.send('x'.repeat(11)) });
  const outcome = await client([server.url, '--count', '1', '--max-payload', '10']);
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toContain(
    'the server sent a message of more than 10 bytes (to accept it: --max-payload)',
  );
  expect(await server.closed()).toMatchObject([{ code: 1009 }]);
});

describe('wrong usage', () => {
  const URL = 'ws://127.0.0.1:1/';
  test.each([
    [[], "missing required argument 'url'"],
    [['nonsense'], '<url> got "nonsense" but takes an address such as ws://'],
    [['ftp://a/'], '<url> got "ftp://a/" but takes an address'],
    [['ws://a/#b'], '<url> got "ws://a/#b" but takes an address'],
    [
      [URL, '--every', '1x'],
      '--every got "1x" but takes a duration from 1ms to 24h, such as 500ms, 1.5s, 2m or 1h, or a plain number of seconds',
    ],
    [[URL, '--every', '0'], '--every got "0" but takes a duration'],
    [[URL, '--timeout', '25h'], '--timeout got "25h" but takes a duration'],
    [[URL, '--wait', '-1s'], '--wait got "-1s" but takes a duration from 0ms'],
    [[URL, '--count', '0'], '--count got "0" but takes an integer from 1 to 1000000000'],
    [[URL, '--count', '1e3'], '--count got "1e3" but takes an integer'],
    [[URL, '--max-payload', 'big'], '--max-payload got "big" but takes an integer from 1 to 1073741824'],
    [[URL, '--header', 'novalue'], '--header got "novalue" but takes \'Name: value\''],
    [[URL, '--header', 'a: b\r\nc: d'], '--header got "a: b\\r\\nc: d" but takes'],
    [
      [URL, '--header', 'origin: https://a.example'],
      "but takes 'Name: value', but for Origin (--origin) and",
    ],
    [[URL, '--header', 'Sec-WebSocket-Key: x'], '--header got "Sec-WebSocket-Key: x" but takes'],
    [[URL, '--subprotocol', 'a b'], '--subprotocol got "a b" but takes a name'],
    [[URL, '--subprotocol', 'a', '--subprotocol', 'a'], '--subprotocol "a" is given twice'],
    [[URL, '--origin', 'example.com'], '--origin got "example.com" but takes an origin'],
    [[URL, '--file', '/nowhere'], '--file got "/nowhere" but takes the path of a file that can be read'],
    [[URL, '--file', process.execPath], '" is not UTF-8, as a text must be: add --binary'],
    [[URL, '--ping', '--every', '1s'], '--ping sends one ping and no message: leave out --every'],
    [[URL, '--every', '1s', '--wait', '1s'], '--every has no end to --wait at'],
    [[URL, '--evry', '1s'], "unknown option '--evry'"],
  ])('%j', async (args, complaint) => {
    const outcome = await client(args);
    expect(outcome).toMatchObject({ code: 2, signal: null, stdout: '' });
    expect(outcome.stderr).toMatch(/^shardhub: [^\n]+\n$/);
    expect(outcome.stderr).toContain(complaint);
  });

  test('every wrong value is named at once', async () => {
    const { stderr } = await client(['x', '--every', 'y', '--count', 'z']);
    for (const part of ['<url> got "x"', '--every got "y"', '--count got "z"'])
      expect(stderr).toContain(part);
  });
});

/** A server that is gone at the end of its block. */
async function listen(http: ReturnType<typeof createServer>) {
  const sockets = new Set<Socket>();
  http.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
