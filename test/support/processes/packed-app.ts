/** An application that has installed the package, as `npm pack` makes it. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './project-script.js';
import { temporaryFolder } from './temporary-folder.js';

const runFile = promisify(execFile);

/** As from a shell: what `npm test` leaves in the environment is about this package, not about that folder. */
function shellEnvironment(): NodeJS.ProcessEnv {
  const isForeign = (name: string) => /^npm_|^SHARDHUB_|^NODE_ENV$/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name)));
}

/** Runs a command of a shell to its end, and returns what it printed. */
export async function shell(cwd: string, command: string, env: Record<string, string> = {}): Promise<string> {
  const options = { cwd, env: { ...shellEnvironment(), ...env }, maxBuffer: 64 * 1024 * 1024 };
  return (await runFile('bash', ['-euo', 'pipefail', '-c', command], options)).stdout;
}

export interface PackedApp {
  /** Has package.json, package-lock.json and handler.mjs; nothing is installed yet. */
  readonly folder: string;
  readonly tarball: string;
}

export async function packedApp(
  handler: string,
  dependencies: Record<string, string> = {},
): Promise<PackedApp> {
  const work = temporaryFolder();
  const [packed] = JSON.parse(
    await shell(ROOT, `npm pack --ignore-scripts --json --silent --pack-destination ${work}`),
  );
  const tarball = join(work, packed.filename);
  const folder = join(work, 'app');
  mkdirSync(folder);
  const manifest = {
    name: 'app',
    private: true,
    dependencies: { shardhub: `file:${tarball}`, ...dependencies },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'handler.mjs'), handler);
  await shell(folder, 'npm install --package-lock-only --prefer-offline --no-audit --no-fund');
  return { folder, tarball };
}
