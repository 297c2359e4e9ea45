/**
 * Peers that send whatever takes the I/O thread's time, as fast as it goes: they are cut off, everybody else is answered,
 * and a signal ends the process, all while they go on.
 */
import { expect, test } from 'vitest';
import { WsClient } from '../../support/clients/ws-client.js';
import { engineUnderTest } from '../../support/engines/under-test.mjs';
import { startHostilePeers } from '../../support/faults/hostile.js';
import { Command } from '../../support/processes/command-line.js';

const isNode = engineUnderTest.engine === 'node';
const file = (name: string) => new URL(`../../fixtures/tls/${name}.pem`, import.meta.url).pathname;
const TLS = ['--tls-key', file('key'), '--tls-cert', file('cert')];

test.each<[what: string, args: string[], ...kinds: (readonly [kind: string, count: number])[]]>([
  ['control frames', [], ['long pongs', 1], ['pings', 1], ['pings, unread', 1], ['pongs', 20], ['pongs', 1]],
  ['control frames over TLS', TLS, ['pongs', 1]],
  ['control frames, without a worker', ['--workers', '0', '--overload', 'drop'], ['pongs', 1]],
  [
    'messages and their parts',
    [],
    ['tiny messages', 1],
    ['empty messages', 1],
    ['texts that are not ASCII', 1],
    ['fragments of one message', 1],
    ['messages in empty fragments', 1],
    ['closes', 1],
  ],
  ['messages that inflate', ['--compression', 'shared'], ['bombs', 1]],
  [
    'requests',
    [],
    ['a body without end', 1],
    ['a body without end that is read', 1],
    ['a body in chunks without end', 1],
    ['a body in chunks without end that is read', 1],
    ['requests for nothing', 1],
    ['requests for statistics', 50],
    ['requests for statistics, unread', 50],
  ],
])('%s', async (_, args, ...kinds) => {
  const command = new Command(['serve', '--port', '0', '--workers', '1', ...args]);
  const { wsUrl } = await command.started();
  const good = await WsClient.connect(wsUrl, { rejectUnauthorized: false });
  const { port } = new URL(wsUrl);
  for (const [i, [kind, count]] of kinds.entries()) {
    const hostile = startHostilePeers(port, kind, count, args === TLS);
    // Each of them, and once more. Engine node gives way to others after each read: it need not cut off all of them.
    for (let asked = 0; hostile.cutOff() <= count && !(isNode && asked >= 100); asked++)
      expect(await good.ask(kind)).toBe(kind);
    if (i + 1 < kinds.length) hostile.stop();
  }
  command.kill('SIGTERM');
  expect(await good.closed).toMatchObject({ code: 1012 });
  expect(await command.exited).toMatchObject({ code: 0, signal: null });
});
