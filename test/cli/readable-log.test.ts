/** The log on a terminal: one line for each, with its fields, and nothing that a client could do to the terminal. */
import { createHub } from 'shardhub';
import { expect, onTestFinished, test } from 'vitest';
import { ReadableLog } from '../../src/cli/terminal/readable-log.js';

function logTo(lines: string[], level = 'info', hasColours = false): ReadableLog {
  return new ReadableLog(
    level,
    (line) => lines.push(line),
    hasColours,
    () => new Date(2026, 0, 1, 9, 8, 7),
  );
}

test('time, level, what happened and its fields; an error with its stack', () => {
  const lines: string[] = [];
  const log = logTo(lines);
  log.info({ port: 8080, handler: 'a b', url: 'ws://x' }, 'the hub runs');
  log.error({ shard: 1, err: { stack: 'Error: no\n    at here' } }, 'a handler failed');
  log.debug({}, 'not at this level');
  log.level = 'debug';
  log.debug({}, 'at this one');
  expect(lines).toEqual([
    '09:08:07 INFO  the hub runs port=8080 handler="a b" url=ws://x\n',
    '09:08:07 ERROR a handler failed shard=1\nError: no\n    at here\n',
    '09:08:07 DEBUG at this one\n',
  ]);
});

test('control characters of clients are shown, not sent to the terminal', () => {
  const lines: string[] = [];
  logTo(lines, 'info', true).warn({ reason: '\x1b[2J' }, 'odd\x07');
  expect(lines).toEqual(['09:08:07 \x1b[33mWARN \x1b[0m odd\\x07 reason=\\x1b[2J\n']);
});

test('it is a logger for a hub, whose level follows the option', async () => {
  const lines: string[] = [];
  const options = { port: 0, workers: 0, logger: logTo(lines) };
  const hub = await createHub(options);
  onTestFinished(() => hub.close());
  expect(lines.join('')).toMatch(/the hub runs version=.* maxConnections=0 maxInFlightBytes=\d+/);
  hub.reconfigure({ ...options, logLevel: 'error' });
  await hub.close();
  expect(lines.some((line) => line.includes('stopped'))).toBe(false);
});
