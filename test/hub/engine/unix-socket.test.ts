/** A hub on a Unix socket: its file comes and goes with it, and is taken from nobody. */
import { existsSync, lstatSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createHub, type HubOptions } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WsClient } from '../../support/clients/ws-client.js';
import { engineUnderTest } from '../../support/engines/under-test.mjs';
import { Command } from '../../support/processes/command-line.js';
import { temporaryFolder } from '../../support/processes/temporary-folder.js';
import { fixture, startHub } from '../../support/servers/hubs.js';

function freePath(): string {
  const folder = temporaryFolder();
  return join(folder, 'hub.sock');
}

const start = (unixSocket: string, options: HubOptions = {}) =>
  startHub({ workers: 1, port: 1, unixSocket, ...options });

test('serves WebSockets and HTTP, and removes its file when it closes', async () => {
  const path = freePath();
  const { hub } = await start(path, { handler: fixture('handshake.mjs') });
  expect(hub.wsUrl).toBe(`ws+unix:${path}:/ws`);
  expect(hub.url).toBe(`http+unix:${path}:`);
  expect(hub.port).toBe(0);
  const client = await WsClient.connect(hub.wsUrl);
  expect(await client.ask('remoteAddress')).toBe("''");
  const status = await new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: '/healthz' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.once('error', reject).end();
  });
  expect(status).toBe(200);
  expect(lstatSync(path).isSocket()).toBe(true);
  await hub.close();
  expect((await client.closed).code).toBe(1001);
  expect(existsSync(path)).toBe(false);
});

test('takes the place of a socket that nobody listens on', async () => {
  const path = freePath();
  // A process that is killed leaves its socket behind.
  const command = new Command(['serve', '--unix-socket', path]);
  await command.started();
  command.kill('SIGKILL');
  await command.exited;
  expect(lstatSync(path).isSocket()).toBe(true);
  const { hub } = await start(path);
  expect(await (await WsClient.connect(hub.wsUrl)).ask('mine now')).toBe('mine now');
});

describe('does not start', () => {
  const refused = (unixSocket: string) =>
    expect(createHub({ ...engineUnderTest, unixSocket, workers: 0, logLevel: 'silent' })).rejects;

  test('where another hub listens, which goes on', async () => {
    const path = freePath();
    const { hub } = await start(path);
    await refused(path).toMatchObject({ code: 'ERR_LISTEN', message: expect.stringContaining(path) });
    await refused(path).toThrow(/somebody listens there/);
    expect(await (await WsClient.connect(hub.wsUrl)).ask('unharmed')).toBe('unharmed');
  });

  test('where any other program listens', async () => {
    const path = freePath();
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await refused(path).toThrow(/somebody listens there/);
    expect(existsSync(path)).toBe(true);
  });

  test('over a file, or a link to one', async () => {
    const path = freePath();
    writeFileSync(path, 'precious');
    await refused(path).toThrow(/something else at this path/);
    symlinkSync(path, `${path}.link`);
    await refused(`${path}.link`).toThrow(/something else at this path/);
    expect(existsSync(path)).toBe(true);
  });

  test('in a folder that does not exist', async () => {
    await refused('/no/such/folder/hub.sock').toThrow(
      /cannot listen on the Unix socket \/no\/such.* its folder/,
    );
  });

  test('at a path that is longer than a socket’s can be', async () => {
    const folder = dirname(freePath());
    const path = (bytes: number) => `${folder}/`.padEnd(bytes, 'x');
    for (const bad of [path(104), path(1000), `${folder}/${'é'.repeat(45)}`, `${folder}/a\0b`])
      await refused(bad).toThrow(/option "unixSocket" got .* a path of at most 103 bytes/);
    const { hub } = await start(path(103));
    expect(await (await WsClient.connect(hub.wsUrl)).ask('just fits')).toBe('just fits');
  });
});

test('a hub whose handler does not load leaves no file', async () => {
  const path = freePath();
  const options = { unixSocket: path, workers: 1, handler: fixture('throws-at-load.mjs') };
  await expect(createHub({ ...engineUnderTest, ...options, logLevel: 'silent' })).rejects.toMatchObject({
    code: 'ERR_HANDLER_LOAD',
  });
  expect(existsSync(path)).toBe(false);
});

test('a file that somebody else has put in its place stays', async () => {
  const path = freePath();
  const { hub } = await start(path);
  rmSync(path);
  writeFileSync(path, 'not mine');
  await hub.close();
  expect(existsSync(path)).toBe(true);
});

test('the command line: --unix-socket', async () => {
  const path = freePath();
  const command = new Command(['serve', '--unix-socket', path]);
  const { wsUrl } = await command.started();
  expect(await (await WsClient.connect(wsUrl)).ask('over there')).toBe('over there');
  command.kill('SIGTERM');
  expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
  expect(existsSync(path)).toBe(false);
});
