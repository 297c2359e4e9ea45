/**
 * `shardhub client` on a terminal: a pseudo terminal made by `script` (util-linux), where there is one; what
 * a person sees is checked without one as well.
 */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HumanReport } from '../../../src/cli/client/report.js';
import { hexdump, showText } from '../../../src/cli/client/text.js';
import { escapeControls, safeJson } from '../../../src/cli/terminal/escape.js';
import { BINARY, Command } from '../../support/processes/command-line.js';
import { property } from '../../support/property.js';
import { WsServer } from '../../support/servers/ws-server.js';
import { until } from '../../support/until.js';

const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

/** Everything but what a terminal is told about its cursor and its lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
const withoutCursor = (text: string) => text.replaceAll(/\u001b\[\d*[A-HJK]|\r/g, '');

class Terminal {
  readonly command: Command;

  constructor(args: string[], env: Record<string, string> = {}) {
    const line = [process.execPath, BINARY, 'client', ...args].map((part) => `'${part}'`).join(' ');
    const options = {
      input: 'open',
      binary: 'script',
      env: { SHELL: '/bin/sh', TERM: 'xterm', ...env },
    } as const;
    this.command = new Command(['-qec', line, '/dev/null'], options);
  }

  type(text: string): void {
    this.command.child.stdin?.write(text);
  }

  sees(what: string | RegExp): Promise<unknown> {
    const isThere = () => withoutCursor(this.command.stdout).search(what) >= 0;
    return until(() => `${what} in ${JSON.stringify(this.command.stdout)}`, isThere);
  }

  async ended(): Promise<{ code: number | null; screen: string }> {
    const { code, stdout } = await this.command.exited;
    return { code, screen: withoutCursor(stdout) };
  }
}

describe.skipIf(!hasScript)('a terminal', () => {
  test('a line typed is sent; what arrives is shown with time, kind, size and round-trip time', async () => {
    const server = await WsServer.start();
    const terminal = new Terminal([server.url], { NO_COLOR: '1' });
    await terminal.sees('connected to');
    terminal.type('hello\r');
    await terminal.sees(/\d\d:\d\d:\d\d\.\d{3} < text, 5 bytes, \d+\.\d+ m?s {2}hello\n/);
    (await server.connection()).send(Uint8Array.of(0x68, 0x69));
    await terminal.sees(/ < binary, 2 bytes\n00000000 {2}68 69 +\|hi\|\n/);
    terminal.type(CTRL_C);
    const { code, screen } = await terminal.ended();
    expect(code).toBe(0);
    expect(screen).toMatch(/shardhub: closed cleanly, with 1000\n$/);
    expect(screen).not.toContain('\u001b');
    expect(server.texts).toEqual(['hello']);
    expect(await server.closed()).toEqual([{ code: 1000, reason: '' }]);
  });

  test('what is being typed survives what arrives meanwhile', async () => {
    const server = await WsServer.start();
    const terminal = new Terminal([server.url]);
    await terminal.sees('connected to');
    terminal.type('first ');
    await terminal.sees('> first ');
    (await server.connection()).send('meanwhile');
    await terminal.sees(/meanwhile\n> first /);
    terminal.type('second\r');
    await until('the line', () => server.texts.length > 0);
    expect(server.texts).toEqual(['first second']);
    terminal.type(CTRL_D);
    expect(await terminal.ended()).toMatchObject({ code: 0 });
  });

  test('facts are dimmed, unless NO_COLOR says otherwise; data never is', async () => {
    const server = await WsServer.start();
    const terminal = new Terminal([server.url, '--send', 'x']);
    const { screen } = await terminal.ended();
    const visible = screen.replaceAll('\u001b', 'ESC');
    expect(visible).toMatch(/ESC\[2m[\d:.]+ < text, 1 byte, [^E]+ESC\[0m {2}x\n/);
    const plain = await new Terminal([server.url, '--send', 'x'], { NO_COLOR: '1' }).ended();
    expect(plain.screen).not.toContain('\u001b');
  });

  test('a server cannot clear the screen', async () => {
    const server = await WsServer.start({
      onConnection: (socket) => socket.send('\u001b[2J\u001b]0;evil\u0007'),
    });
    const { screen } = await new Terminal([server.url, '--count', '1'], { NO_COLOR: '1' }).ended();
    expect(screen).toContain('  \\x1b[2J\\x1b]0;evil\\x07\n');
    for (const control of ['\u001b', '\u0007']) expect(screen).not.toContain(control);
  });
});

describe('what is shown', () => {
  const lines: string[] = [];
  const sink = { isTerminal: true, hasColours: false, writeLine: (line: string) => void lines.push(line) };
  const show = (message: { text?: string; bytes?: Uint8Array; rttMs?: number }): string[] => {
    onTestFinished(() => void lines.splice(0));
    const data = Buffer.from(message.bytes ?? Buffer.from(message.text ?? ''));
    new HumanReport(sink, sink).message({
      data,
      isBinary: message.bytes !== undefined,
      rttMs: message.rttMs,
    });
    return lines.join('\n').split('\n');
  };

  test.each([
    [0.123, '0.12 ms'],
    [45.67, '45.7 ms'],
    [1234, '1.23 s'],
  ])('a round-trip time of %d ms', (rttMs, shown) => {
    expect(show({ text: 'x', rttMs })).toEqual([
      expect.stringMatching(`^[0-9:.]{12} < text, 1 byte, ${shown}  x$`),
    ]);
  });

  test('nothing in a message', () => {
    expect(show({ text: '' })).toEqual([expect.stringMatching(/ < text, 0 bytes {2}$/)]);
    expect(show({ bytes: Buffer.alloc(0) })).toEqual([
      expect.stringMatching(/ < text, 0 bytes {2}$/),
      expect.stringMatching(/ < binary, 0 bytes {2}$/),
    ]);
  });

  test('a long text, up to a bound on a terminal', () => {
    const [line] = show({ text: 'ü'.repeat(8200) });
    expect(line).toMatch(/ < text, 16400 bytes {2}ü{8192}… 16 more bytes$/);
    expect(showText('a😀b', 2)).toBe('a… 5 more bytes');
  });
});

test('whatever is escaped holds no character that a terminal obeys', () => {
  const units = fc.oneof(
    fc.constantFrom(...'\u0000\u001b\u0085\u2028\u202e\u{e0041}\n\\"a'),
    fc.string({ unit: 'binary' }),
  );
  property(
    fc.array(units).map((parts) => parts.join('')),
    (text) => {
      expect(escapeControls(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      expect(safeJson(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      expect(JSON.parse(safeJson(text))).toBe(text);
    },
  );
});

test('readable text stays as it is', () => {
  const text = 'plain, Ünï, 漢字, 👨‍👩‍👧, "quotes" and \\backslash';
  expect(escapeControls(text)).toBe(text);
  expect(safeJson(text)).toBe(JSON.stringify(text));
});

test.each([
  [0, 0],
  [1, 1],
  [16, 1],
  [17, 2],
  [512, 32],
])('a dump of %i bytes has %i lines', (size, count) => {
  const dump = hexdump(new Uint8Array(size), 512);
  expect(dump === '' ? 0 : dump.split('\n').length).toBe(count);
});
