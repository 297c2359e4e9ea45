/** `shardhub admin` against a real `shardhub serve`: tables for people, JSON for scripts, and an exit code that says whether it was done. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { Versions } from '../support/faults/versions.js';
import { Command, runCommand } from '../support/processes/command-line.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

test('over a Unix socket: lists, closes, changes the log, and drains', async () => {
  const path = join(temporaryFolder(), 'admin.sock');
  const command = new Command(['serve', '--port=0', '--workers=1', '--admin-listen', path]);
  const { line, wsUrl } = await command.started();
  expect(line).toContain(`, admin unix:${path}\n`);
  const env = { SHARDHUB_ADMIN_LISTEN: path };
  const admin = (...args: string[]) => runCommand(['admin', ...args], { env });
  const client = await WsClient.connect(wsUrl);
  const list = await admin('connections');
  expect(list.stdout).toMatch(/^id +user +route .*\n\S+ +- +\/ws +0 +127\.0\.0\.1 +open .*\n1 of 1\n$/);
  const { connections } = JSON.parse((await admin('connections', '--json', '--sort', 'age')).stdout);
  expect(await admin('disconnect', connections[0].id, '--code', '4000')).toMatchObject({
    code: 0,
    stdout: '1 closed\n',
  });
  expect((await client.closed).code).toBe(4000);
  expect(await admin('log-level', 'info')).toMatchObject({ code: 0, stdout: 'info\n' });
  expect(await admin('connection', 'none')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'shardhub: there is no connection none\n',
  });
  expect(await admin('drain')).toMatchObject({ code: 0, stdout: 'the hub drains\n' });
  const { code, stderr } = await command.exited;
  expect(code).toBe(0);
  expect(stderr).toMatch(/"asked":\{"id":.*"agent":"shardhub-admin\/\S+ \(\S+\)"/);
  expect(stderr).toContain('the hub drains');
  expect(await admin('stats')).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be asked') });
});

test('reload, resize and handlers: what runs is told in words, and why it does not', async () => {
  const versions = new Versions();
  const path = join(versions.folder, 'admin.sock');
  const args = ['serve', '--port=0', '--workers=2', '--admin-listen', path, '--handler', versions.file];
  const { wsUrl } = await new Command(args).started();
  const admin = (...more: string[]) => runCommand(['admin', ...more, '--admin', path]);
  const client = await WsClient.connect(wsUrl);
  expect(await client.ask('a')).toBe('v1 1 a');
  versions.write('v2');
  expect(await admin('reload')).toMatchObject({ code: 0, stdout: expect.stringMatching(/generation 2/) });
  expect(await client.ask('b')).toBe('v2 2 b');
  expect(await admin('resize', '3')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/generation 3/),
  });
  expect((await admin('handlers')).stdout.match(/^[012] +3 /gm)).toHaveLength(3);
  versions.writeSource('export default {');
  const { code, stderr } = await admin('reload', '--canary', '1');
  expect([code, stderr]).toEqual([1, expect.stringContaining('Unexpected end of input')]);
  expect((await admin('resize', '0')).code).not.toBe(0);
  expect(await client.ask('c')).toBe('v2 3 c');
});

test('over an address: with its token, and not without', async () => {
  const args = ['--admin-listen', '127.0.0.1:0', '--admin-token', 'the-token-of-the-admin'];
  const { line } = await new Command(['serve', '--port=0', '--workers=1', ...args]).started();
  const [, address = ''] = /admin http:\/\/(\S+)/.exec(line) ?? [];
  const ask = (...more: string[]) => runCommand(['admin', 'broadcast', 'x', '--admin', address, ...more]);
  expect(await ask('--token', 'the-token-of-the-admin')).toMatchObject({ code: 0, stdout: 'sent to 0\n' });
  expect(await ask()).toMatchObject({ code: 1, stderr: expect.stringContaining('send the token') });
});
