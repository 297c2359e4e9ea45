/** Builds unless the build in dist/ is newer than everything that it is made of. Runs in the package's folder. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';

/** Every build writes all of its files, this one among the last, and a failed one not this one. */
const OUTPUT = 'dist/cli/main.js';

/** Folders count too: their time is that of the last file that was added or removed. */
const sources = [
  ...readdirSync('.').filter((name) => /^(tsconfig.*|package-lock)\.json$/.test(name)),
  'src',
  ...readdirSync('src', { recursive: true }).map((path) => `src/${path}`),
];
const builtAt = statSync(OUTPUT, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (sources.some((path) => statSync(path).mtimeMs > builtAt)) {
  const { status } = spawnSync('npm run build', { stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
}
