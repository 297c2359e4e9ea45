/** What a user does in the first ten minutes: `npm pack`, `shardhub init`, and the commands of the project that it writes. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { BINARY, parseStartLine, runCommand } from '../support/processes/command-line.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { until } from '../support/until.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL_DEADLINE_MS = 600_000;
const runFile = promisify(execFile);
const work = mkdtempSync(join(tmpdir(), 'shardhub-init-'));
const app = join(work, 'My App');

/** As from a shell. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME };
const npm = (cwd: string, ...args: string[]) => runFile('npm', args, { cwd, env });

beforeAll(async () => {
  const flags = ['--json', '--silent', '--ignore-scripts', '--pack-destination', work];
  const [tarball] = JSON.parse((await npm(ROOT, 'pack', ...flags)).stdout);
  const { stdout } = await runFile(process.execPath, [BINARY, 'init', app]);
  expect(stdout).toContain('npm install');
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--install-links'];
  await npm(app, 'install', ...options, join(work, tarball.filename));
}, INSTALL_DEADLINE_MS);

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('a project that init wrote', () => {
  test('has a name that npm takes, and no placeholder', () => {
    const text = readFileSync(join(app, 'package.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ name: 'my-app', private: true, type: 'module' });
    expect(text).not.toContain('__');
    expect(readFileSync(join(app, '.gitignore'), 'utf8')).toContain('node_modules/');
  });

  test('npm start serves its handler, compiled under strict rules', async () => {
    // In a group of its own: npm starts a shell, and that the command.
    const child = spawn('npm', ['start', '--silent', '--', '--port=0'], { cwd: app, env, detached: true });
    onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    const line = await until(
      () => `the start line: ${output}`,
      () => /^shardhub: .*$/m.exec(output)?.[0],
    );
    const client = await WsClient.connect(parseStartLine(line).wsUrl);
    expect(await client.ask('Ann')).toBe('Hello, Ann!');
    expect(JSON.parse(readFileSync(join(app, 'tsconfig.json'), 'utf8')).compilerOptions.strict).toBe(true);
  });

  test('npm test is green, and red when the handler is broken', {
    timeout: INSTALL_DEADLINE_MS,
  }, async () => {
    expect((await npm(app, 'test')).stdout).toMatch(/pass 2\n/);
    const handler = join(app, 'src/handler.ts');
    const source = readFileSync(handler, 'utf8');
    onTestFinished(() => writeFileSync(handler, source));
    writeFileSync(handler, source.replace(/return .*;/, "return 'nobody';"));
    const { stdout } = await npm(app, 'test').catch((error) => error);
    expect(stdout).toMatch(/fail 1\n/);
    // The stack is of the source.
    expect(stdout).toMatch(/handler\.test\.ts:\d+/);
    writeFileSync(handler, source.replace('messages: number', 'messages: string'));
    const { stdout: complaints } = await npm(app, 'test').catch((error) => error);
    expect(complaints).toContain('error TS');
  });
});

describe('init leaves alone', () => {
  test.each<[what: string, choose: (folder: string) => string]>([
    ['a folder with something in it', (folder) => folder],
    ['a file', (folder) => join(folder, 'mine')],
  ])('%s', async (_, choose) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'mine'), '');
    const path = choose(folder);
    const { code, stdout, stderr } = await runCommand(['init', path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^shardhub: .*init takes a folder[^\n]*\n$/);
    expect(stderr).toContain(basename(path));
  });

  test('nothing of an empty folder', async () => {
    const folder = join(temporaryFolder(), 'empty');
    mkdirSync(folder);
    expect(await runCommand(['init', folder])).toMatchObject({ code: 0 });
  });
});
