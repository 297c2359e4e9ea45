/** Scripts and tools of the project that check something, as they are run by hand. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The compiler reads everything, on whatever machine. */
export const DEADLINE_MS = 600_000;

/** Runs a script of the project; what it complains about. */
export function complaintsOf(script: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}` || `${script} ended with ${status}`;
}
