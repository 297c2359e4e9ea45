/** docs/migrating.md: its three servers, run, and the same conversation with each. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { freePort } from '../support/processes/ports.js';
import { ROOT } from '../support/processes/project-script.js';
import { until } from '../support/until.js';

const PAGE = readFileSync(join(ROOT, 'docs/migrating.md'), 'utf8');
const PROGRAMS = new Map(
  [...PAGE.matchAll(/```js\n\/\/ (\w+)\n([\s\S]*?)```/g)].map(([, name, code]) => [name!, code!]),
);

test.each(['ws', 'uws', 'hub'])('%s', async (name) => {
  // In the project, where its packages are found.
  const folder = join(ROOT, 'test-results', `migrating-${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'server.mjs'), PROGRAMS.get(name)!);
  writeFileSync(join(folder, 'handler.mjs'), PROGRAMS.get('handler')!);
  const port = await freePort();
  const env = { ...process.env, PORT: `${port}` };
  const server = spawn(process.execPath, ['server.mjs'], { cwd: folder, env, stdio: 'inherit' });
  onTestFinished(async () => {
    if (server.kill('SIGKILL')) await new Promise((resolve) => server.once('exit', resolve));
    rmSync(folder, { recursive: true });
  });
  await until('the page', async () => {
    if (server.exitCode !== null) throw new Error(`it ended with ${server.exitCode}`);
    const page = await fetch(`http://127.0.0.1:${port}/page`).catch(() => undefined);
    return (await page?.text()) === 'a page';
  });
  const url = `ws://127.0.0.1:${port}/ws`;
  await expect(WsClient.connect(url)).rejects.toThrow(/401/);
  const [ann, bob] = [await WsClient.connect(`${url}?user=ann`), await WsClient.connect(`${url}?user=bob`)];
  expect(await bob.ask('hi')).toBe('you: hi');
  expect(await ann.nextText()).toBe('bob: hi');
  expect(await ann.ask('hello')).toBe('you: hello');
  expect(await bob.nextText()).toBe('ann: hello');
});
