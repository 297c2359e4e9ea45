/** The samples of docs/testing.md, as the test runners run them: green, and red when the handler is broken. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = readFileSync(`${ROOT}docs/testing.md`, 'utf8');
const INSTALL_DEADLINE_MS = 600_000;
const run = promisify(execFile);

/** A sample of the page, by the comment that it begins with. */
function sample(name: string): string {
  const found = PAGE.split('```js\n').find((text) => text.startsWith(`// ${name}\n`));
  if (found === undefined) throw new Error(`docs/testing.md has no sample ${name}`);
  return found.split('```')[0]!;
}

/** A project with the handler of the page and one of its tests. */
function project(name: string): string {
  const folder = temporaryFolder();
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
  write('package.json', '{ "type": "module", "private": true }');
  write('handler.js', sample('handler.js'));
  write('handler.test.js', sample(name));
  return folder;
}

function linkPackages(folder: string): void {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/shardhub'), 'dir');
  symlinkSync(join(ROOT, 'node_modules/vitest'), join(folder, 'node_modules/vitest'), 'dir');
}

interface Outcome {
  readonly isGreen: boolean;
  readonly output: string;
}

async function outcome(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const inherited = { PATH: process.env.PATH, HOME: process.env.HOME };
  return run(process.execPath, args, { cwd, env: { ...inherited, ...env } }).then(
    ({ stdout, stderr }) => ({ isGreen: true, output: stdout + stderr }),
    ({ stdout, stderr }) => ({ isGreen: false, output: stdout + stderr }),
  );
}

/** It is green, and red for the right reason once the handler does not shout. */
async function expectToTell(folder: string, args: string[], env?: Record<string, string>): Promise<void> {
  const green = await outcome(folder, args, env);
  expect(green.output).not.toMatch(/fail [1-9]|did not exit/);
  expect(green.isGreen, green.output).toBe(true);
  writeFileSync(join(folder, 'handler.js'), sample('handler.js').replace('.toUpperCase()', ''));
  const red = await outcome(folder, args, env);
  expect(red.isGreen).toBe(false);
  expect(red.output).toMatch(/HI/);
}

describe('node:test', () => {
  test('runs the sample', async () => {
    const folder = project('node:test');
    linkPackages(folder);
    await expectToTell(folder, ['--test', 'handler.test.js']);
  });

  test.each(['fake time', 'faults'])('runs the sample of %s', async (name) => {
    const folder = project(name);
    linkPackages(folder);
    writeFileSync(join(folder, 'handler.js'), sample('handler.js').replace('.toUpperCase()', ''));
    const { isGreen, output } = await outcome(folder, ['--test', 'handler.test.js']);
    expect(isGreen, output).toBe(true);
  });
});

test('Vitest runs the sample', async () => {
  const folder = project('vitest');
  linkPackages(folder);
  await expectToTell(folder, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder]);
});

test(
  'Jest runs the sample',
  async () => {
    const folder = project('jest');
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-save', 'jest@30'];
    await run('npm', install, { cwd: folder });
    // Not by npm, which would build the package anew.
    symlinkSync(ROOT, join(folder, 'node_modules/shardhub'), 'dir');
    const env = { NODE_OPTIONS: '--experimental-vm-modules' };
    await expectToTell(folder, [join(folder, 'node_modules/jest/bin/jest.js'), '--rootDir', folder], env);
  },
  INSTALL_DEADLINE_MS,
);
