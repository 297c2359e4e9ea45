/** Finds Bun: the package `bun` of npm carries it. */
import { execFileSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LeftOut } from './errors.mjs';

const INSTALLED = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));

/** @returns {string} the program's path @throws LeftOut where it is missing */
export function findBun() {
  const folders = [INSTALLED, ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')];
  for (const folder of folders) {
    const program = join(folder, 'bun');
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
      return program;
    } catch {
      // The next one.
    }
  }
  throw new LeftOut('there is no Bun here (npm install --no-save bun)');
}
