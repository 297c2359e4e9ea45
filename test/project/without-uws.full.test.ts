/** A clone in which uWebSockets.js is not installed: it builds, starts, serves, and says how to get it. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = ['src', 'public', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
const ADVICE =
  /uWebSockets\.js has no binary for this Node\.js and platform: install one that has with `npm install \S+`/;

function cloneWithoutUws(): string {
  const folder = temporaryFolder();
  for (const part of PARTS) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== 'uWebSockets.js') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  return folder;
}

test('npm start serves on engine node, and says how to get the other one', async () => {
  const cwd = cloneWithoutUws();
  const npm = spawn('npm', ['start', '--', '--port', '0'], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void (npm.exitCode === null && process.kill(-npm.pid!, 'SIGKILL')));
  let output = '';
  const isUp = new Promise<void>((resolve, reject) => {
    npm.stdout.on('data', (text) => {
      output += text;
      if (/engine node\n.*\n/.test(output)) resolve();
    });
    npm.stderr.on('data', (text) => {
      output += text;
    });
    npm.once('exit', () => reject(new Error(`it ended: ${output}`)));
  });
  await isUp;
  expect(output).toMatch(ADVICE);
  const [, url] = /WebSocket (ws:\S+),/.exec(output)!;
  expect(await (await WsClient.connect(url!)).ask('hello')).toBe('hello');
  const stats: unknown = await (await fetch(url!.replace('ws:', 'http:').replace(/\/ws$/, '/stats'))).json();
  expect(stats).toMatchObject({ engine: { name: 'node', advice: expect.stringMatching(ADVICE) } });
  // Asked for by name it is an error.
  const args = ['dist/cli/main.js', 'serve', '--engine', 'uws', '--port', '0'];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(ADVICE);
});
