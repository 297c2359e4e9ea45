/** `shardhub client` through its real binary: what is sent and shown, and how a conversation ends. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { client, startClient } from '../../support/processes/client-command.js';
import { BINARY, runCommand } from '../../support/processes/command-line.js';
import { temporaryFolder } from '../../support/processes/temporary-folder.js';
import { startMuteServer, WsServer } from '../../support/servers/ws-server.js';
import { turn, until } from '../../support/until.js';

const ESCAPES = '\u001b]0;evil\u0007\u001b[31m\u009b2J\u007f\u202e\u2028a\r\n\tb';
const ESCAPED = '\\x1b]0;evil\\x07\\x1b[31m\\x9b2J\\x7f\\u202e\\u2028a\\r\\n\\tb';
const CONNECTED = 'shardhub: connected to ';

function temporaryFile(content: string | Uint8Array): string {
  const folder = temporaryFolder();
  const path = join(folder, 'message');
  writeFileSync(path, content);
  return path;
}

function events(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A listener for connections on which the server begins. */
const greet = (message: string | Uint8Array) => (socket: WebSocket) => socket.send(message);

describe('messages', () => {
  test('texts go out in order, and what comes back is a line each', async () => {
    const server = await WsServer.start();
    const outcome = await client([server.url, '--send', 'one', '--send', '', '--send=—two']);
    expect(outcome).toEqual({
      code: 0,
      signal: null,
      stdout: 'one\n\n—two\n',
      stderr: `${CONNECTED}${server.url}\nshardhub: closed cleanly, with 1000\n`,
    });
    expect(server.texts).toEqual(['one', '', '—two']);
    expect(await server.closed()).toEqual([{ code: 1000, reason: '' }]);
  });

  test('binary messages are shown as offset, bytes and printable characters, up to a bound', async () => {
    const server = await WsServer.start();
    const bytes = Uint8Array.from({ length: 600 }, (_, i) => i);
    const short = Uint8Array.of(0, 0x41, 0x7f, 0xff);
    const args = ['--binary', '--file', temporaryFile(short), '--file', temporaryFile(bytes)];
    const { code, stdout } = await client([server.url, ...args]);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 4)).toEqual([
      '00000000  00 41 7f ff                                       |.A..|',
      '00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|',
      '00000010  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f  |................|',
      '00000020  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f  | !"#$%&\'()*+,-./|',
    ]);
    expect(lines.slice(-3)).toEqual([
      '000001f0  f0 f1 f2 f3 f4 f5 f6 f7  f8 f9 fa fb fc fd fe ff  |................|',
      '… 88 more bytes',
      '',
    ]);
    expect(server.received.map(({ isBinary }) => isBinary)).toEqual([true, true]);
    expect(server.received[1]?.data).toEqual(Buffer.from(bytes));
  });

  test('a file is one message, sent after the texts', async () => {
    const server = await WsServer.start();
    const outcome = await client([server.url, '--file', temporaryFile('a\nb\n'), '--send', 'x']);
    expect(outcome).toMatchObject({ code: 0, stdout: 'x\na\\nb\\n\n' });
    expect(server.texts).toEqual(['x', 'a\nb\n']);
  });

  test('--every sends the time, and --count ends it', async () => {
    const server = await WsServer.start();
    const begin = Date.now();
    const { code, stdout } = await client([server.url, '--every', '2ms', '--count', '3']);
    expect(code).toBe(0);
    const times = stdout.trimEnd().split('\n');
    expect(times).toEqual(server.texts.slice(0, 3));
    for (const time of times) {
      expect(new Date(time).toISOString()).toBe(time);
      expect(Date.parse(time)).toBeGreaterThanOrEqual(begin);
      expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
    }
  });

  test('--count ends after so many messages, though nothing was sent', async () => {
    const push = (socket: WebSocket) => [1, 2, 3, 4, 5].forEach((n) => void socket.send(`n${n}`));
    const server = await WsServer.start({ onConnection: push });
    const outcome = await client([server.url, '--count', '3']);
    expect(outcome).toMatchObject({ code: 0, stdout: 'n1\nn2\nn3\n' });
  });

  test('--json writes one object per event', async () => {
    const server = await WsServer.start({
      onConnection: (socket) => {
        socket.once('message', () => {
          socket.send('text ü');
          socket.send(Uint8Array.of(0, 255));
          socket.close(3000, 'enough');
        });
      },
    });
    const { code, stdout, stderr } = await client([server.url, '--json', '--send', 'a', '--count', '9']);
    expect(code).toBe(1);
    const [open, text, binary, close, ...rest] = events(stdout);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(open).toEqual({ event: 'open', time, url: server.url, subprotocol: '' });
    expect(text).toEqual({
      event: 'message',
      time,
      kind: 'text',
      size: 7,
      rttMs: expect.any(Number),
      data: 'text ü',
    });
    // Nothing was sent that it could answer, so it has no round-trip time.
    expect(binary).toEqual({ event: 'message', time, kind: 'binary', size: 2, data: 'AP8=' });
    expect(close).toEqual({ event: 'close', time, code: 3000, reason: 'enough', clean: true, by: 'server' });
    expect(rest).toEqual([]);
    expect(stderr).toBe('');
  });
});

describe('what a server sends cannot steer the terminal', () => {
  const anyControl = /(?!\n)[\p{Cc}\u2028\u202e]/u;

  test('as a text and a close reason', async () => {
    const server = await WsServer.start({
      onConnection: (socket) => {
        socket.send(ESCAPES);
        socket.close(3001, ESCAPES);
      },
    });
    const { stdout, stderr } = await client([server.url, '--count', '2']);
    expect(stdout).toBe(`${ESCAPED}\n`);
    expect(stderr).toContain(`closed by the server, with 3001 ${ESCAPED}\n`);
    expect(stderr).not.toMatch(anyControl);
  });

  test('as the body of a refusal', async () => {
    const server = await WsServer.start({
      ws: { verifyClient: (_, done) => done(false, 403, ESCAPES) },
    });
    const { code, stdout, stderr } = await client([server.url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`403 Forbidden with: ${ESCAPED}`);
    expect(stderr).not.toMatch(anyControl);
  });

  test('as JSON, from which it can be read again', async () => {
    const server = await WsServer.start({ onConnection: greet(ESCAPES) });
    const { stdout } = await client([server.url, '--json', '--count', '1']);
    expect(stdout).not.toMatch(anyControl);
    expect(events(stdout)[1]).toMatchObject({ data: ESCAPES });
  });

  test('as a binary message', async () => {
    const server = await WsServer.start({ onConnection: greet(Buffer.from('\u001b[31m')) });
    const { stdout } = await client([server.url, '--count', '1']);
    expect(stdout).toMatch(/^00000000 {2}1b 5b 33 31 6d {36}\|\.\[31m\|\n$/);
  });
});

describe('a pipe', () => {
  test('each line is a message, with any end', async () => {
    const server = await WsServer.start();
    const outcome = await client([server.url], { input: 'one\r\n\ntwo\nthree' });
    expect(outcome).toMatchObject({ code: 0, stdout: 'one\n\ntwo\nthree\n' });
    expect(server.texts).toEqual(['one', '', 'two', 'three']);
  });

  test('bytes stay as they are with --binary, and are refused as text', async () => {
    const server = await WsServer.start();
    const input = Buffer.from([0xff, 0x00, 0x0a, 0xc3]);
    expect(await client([server.url, '--binary'], { input })).toMatchObject({ code: 0 });
    expect(server.received.map(({ data }) => [...data])).toEqual([[0xff, 0x00], [0xc3]]);
    const outcome = await client([server.url], { input });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain(
      'the input cannot be sent: a text has to be UTF-8; to send bytes: --binary',
    );
    expect(server.received).toHaveLength(2);
  });

  test('more than any buffer holds arrives in full', async () => {
    const server = await WsServer.start();
    const lines = Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(100_000)}`);
    const { code, stdout } = await client([server.url], { input: lines.join('\n') });
    expect(code).toBe(0);
    expect(stdout === `${lines.join('\n')}\n`).toBe(true);
  });

  test('its end waits for as many replies as there were messages', async () => {
    const texts: string[] = [];
    const server = await WsServer.start({
      onConnection: (socket) => {
        socket.on('message', async (data) => {
          texts.push(String(data));
          if (texts.length < 3) return;
          // Long after the end of the input.
          for (let i = 0; i < 50; i++) await turn();
          for (const text of texts) socket.send(text);
        });
      },
    });
    const outcome = await client([server.url], { input: 'a\nb\nc\n' });
    expect(outcome).toMatchObject({ code: 0, stdout: 'a\nb\nc\n' });
  });

  test('a reply that is due and does not come is a failure after --timeout', async () => {
    const once = (socket: WebSocket) => socket.once('message', (data) => socket.send(String(data)));
    const server = await WsServer.start({ onConnection: once });
    // Long enough for the handshake on any machine, as it limits that as well.
    const outcome = await client([server.url, '--timeout', '5s'], { input: 'a\nb\n' });
    expect(outcome).toMatchObject({ code: 1, stdout: 'a\n' });
    expect(outcome.stderr).toContain('timeout: no further reply (1 due) within 5 s');
  });

  test('does not run ahead of the replies, as a server may bound what it takes on', async () => {
    const lines = Array.from({ length: 350 }, (_, i) => `line ${i}`);
    const held: string[] = [];
    let mostAhead = 0;
    const reply = async (socket: WebSocket) => {
      for (let replies = 0; replies < lines.length; replies++) {
        await until('a message', () => held.length > 0);
        await turn();
        socket.send(held.shift() ?? '');
      }
    };
    const server = await WsServer.start({
      onConnection: (socket) => {
        socket.on('message', (data) => {
          mostAhead = Math.max(mostAhead, held.push(String(data)));
          // Everything that is sent without waiting is on its way before the first reply.
          if (server.received.length === 100) void reply(socket);
        });
      },
    });
    const outcome = await client([server.url], { input: lines.join('\n') });
    expect(outcome).toMatchObject({ code: 0, stdout: `${lines.join('\n')}\n` });
    expect(mostAhead).toBe(100);
  });

  test('--wait ends it without replies', async () => {
    const server = await WsServer.start({ onConnection: () => {} });
    const outcome = await client([server.url, '--wait', '1ms'], { input: 'a\nb\n' });
    expect(outcome).toMatchObject({ code: 0, stdout: '' });
    await until('the messages', () => server.texts.length === 2);
  });

  test('that stays open does not keep a client that is done', async () => {
    const server = await WsServer.start();
    const command = startClient([server.url, '--count', '1']);
    command.child.stdin?.write('one\n');
    expect(await command.exited).toMatchObject({ code: 0, stdout: 'one\n' });
  });

  test.skipIf(!existsSync('/dev/full'))('a disk that is full is a failure', async () => {
    const server = await WsServer.start();
    const line = `exec '${process.execPath}' '${BINARY}' client ${server.url} --send x > /dev/full`;
    const { code, stderr } = await runCommand(['-c', line], { binary: '/bin/sh' });
    expect(code).toBe(1);
    expect(stderr).toContain('shardhub: stdout: ENOSPC');
  });

  test('a reader that goes away ends it quietly', async () => {
    const server = await WsServer.start();
    const command = startClient([server.url, '--every', '1ms']);
    await until('a message', () => server.texts.length > 0);
    command.child.stdout?.destroy();
    const { code, stderr } = await command.exited;
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${CONNECTED}${server.url}\n` });
    expect(await server.closed()).toEqual([{ code: 1000, reason: '' }]);
  });
});

describe('--ping', () => {
  test('alive, with its round-trip time', async () => {
    const server = await WsServer.start();
    const outcome = await client([server.url, '--ping']);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toMatch(/^alive: \d+(\.\d+)? m?s\n$/);
    const { stdout } = await client([server.url, '--ping', '--json']);
    const rttMs = expect.any(Number);
    expect(events(stdout)).toMatchObject([
      { event: 'open' },
      { event: 'ping', alive: true, rttMs },
      { event: 'close', code: 1000, clean: true },
    ]);
  });

  test('dead when no pong comes', async () => {
    const { url } = await startMuteServer();
    const outcome = await client([url, '--ping', '--timeout', '5s']);
    expect(outcome).toMatchObject({ code: 1, stdout: 'dead: timeout\n' });
  });

  test('dead when the connection is closed instead', async () => {
    const server = await WsServer.start({
      ws: { autoPong: false },
      onConnection: (socket) => socket.close(1013),
    });
    const outcome = await client([server.url, '--ping']);
    expect(outcome).toMatchObject({ code: 1, stdout: 'dead: closed with 1013\n' });
  });
});

describe('the end', () => {
  test('Ctrl-C closes with 1000 and says so', async () => {
    const server = await WsServer.start();
    const command = startClient([server.url]);
    await server.connection();
    await until('the connection', () => command.stderr.includes('connected'));
    command.kill('SIGINT');
    const { code, stderr } = await command.exited;
    expect(code).toBe(0);
    expect(stderr).toMatch(/\nshardhub: closed cleanly, with 1000\n$/);
    expect(await server.closed()).toEqual([{ code: 1000, reason: '' }]);
  });

  test('Ctrl-C says that a server does not answer the close frame', async () => {
    const { url, received } = await startMuteServer();
    const command = startClient([url]);
    await until('the connection', () => command.stderr.includes('connected'));
    command.kill('SIGINT');
    const { code, stderr } = await command.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nshardhub: closed, but the server did not answer the close frame\n$/);
    // Header, mask and the code of a close frame.
    expect(received()).toBe(8);
  });

  test('Ctrl-C before there is a connection gives up', async () => {
    const { url, requests } = await startMuteServer({ isHandshakeAnswered: false });
    const command = startClient([url]);
    await until('the attempt', () => requests() > 0);
    command.kill('SIGINT');
    const stderr = 'shardhub: stopped before there was a connection\n';
    expect(await command.exited).toEqual({ code: 1, signal: null, stdout: '', stderr });
  });

  test('a second signal ends it at once', async () => {
    const { url } = await startMuteServer();
    const command = startClient([url]);
    await until('the connection', () => command.stderr.includes('connected'));
    // Stopped, so that both are there when it goes on, on a machine of any speed.
    for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) command.kill(signal);
    const { signal, stderr } = await command.exited;
    expect(['SIGINT', 'SIGTERM']).toContain(signal);
    expect(stderr).not.toContain('closed');
  });

  test.each([
    [1000, '', 0, 'closed by the server, with 1000'],
    [1001, 'bye', 1, 'closed by the server, with 1001 bye'],
    [1011, '', 1, 'closed by the server, with 1011'],
  ])('a server that closes with %i', async (code, reason, exitCode, said) => {
    const server = await WsServer.start({ onConnection: (socket) => socket.close(code, reason) });
    const outcome = await client([server.url, '--every', '1h']);
    expect(outcome.code).toBe(exitCode);
    expect(outcome.stderr).toMatch(`\nshardhub: ${said}\n`);
  });

  test('a server that closes while replies are due', async () => {
    const server = await WsServer.start({
      onConnection: (socket) => socket.on('message', () => socket.close(1000)),
    });
    const outcome = await client([server.url, '--send', 'a', '--send', 'b']);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('the server closed before all was done: 2 replies did not come');
  });

  test('a connection that is lost', async () => {
    const server = await WsServer.start({ onConnection: (socket) => socket.terminate() });
    const outcome = await client([server.url, '--every', '1h']);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/\nshardhub: the connection was lost: [^\n]+\n$/);
  });
});
