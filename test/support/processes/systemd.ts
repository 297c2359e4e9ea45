/** The real systemd as process 1 of namespaces of its own. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, rmdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { until } from '../until.js';
import { isProgramMissing } from './programs.js';
import { ROOT } from './project-script.js';

const runFile = promisify(execFile);
const SYSTEMD = '/usr/lib/systemd/systemd';
const NODE = '/usr/bin/node';
const BOOT = new URL('./boot-systemd.sh', import.meta.url).pathname;
const NAMESPACES = ['--mount', '--pid', '--uts', '--ipc', '--fork', '--mount-proc', '--kill-child'];
const CGROUPS = '/sys/fs/cgroup';

/** Why it cannot be booted here; says so. Not for want of the program with CI=true. */
export function cannotBoot(): boolean {
  if (isProgramMissing(SYSTEMD, 'systemd')) return true;
  const reason = whyNot();
  if (reason !== undefined) console.log(`a test is skipped: systemd cannot be booted here: ${reason}`);
  return reason !== undefined;
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  if (existsSync('/run/systemd/system')) return 'the machine runs one, whose control groups it would take';
  if (!existsSync(NODE)) return `there is no ${NODE}`;
  // What lies there is hidden in its namespaces.
  const hidden = [realpathSync(NODE), ROOT].find((path) => /^\/(opt|run)\//.test(path));
  if (hidden !== undefined) return `${hidden} is in /opt or /run`;
  try {
    execFileSync('unshare', [...NAMESPACES, 'mount', '--make-rprivate', '/'], { stdio: 'pipe' });
    return undefined;
  } catch (thrown) {
    return String((thrown as { stderr: Buffer }).stderr).trim();
  }
}

/** @returns runs a command of a shell in there, and gives what it printed */
export async function bootSystemd(): Promise<(command: string) => Promise<string>> {
  const outside = spawn('unshare', [...NAMESPACES, 'sh', BOOT, ROOT], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  outside.stdout.on('data', (bytes) => said.push(bytes));
  outside.stderr.on('data', (bytes) => said.push(bytes));
  onTestFinished(() => end(outside));
  const children = `/proc/${outside.pid}/task/${outside.pid}/children`;
  const first = await until('process 1', () => readFileSync(children, 'utf8').trim());
  const run = async (command: string) =>
    (await runFile('nsenter', ['-t', first, '-m', '-p', '-u', '-i', 'sh', '-euc', command])).stdout;
  const isUp = () => run('systemctl is-active multi-user.target').catch(() => '');
  await until(
    () => `systemd, which said: ${Buffer.concat(said)}`,
    async () => (await isUp()) === 'active\n',
    { everyMs: 100 },
  );
  return run;
}

async function end(outside: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => outside.once('exit', resolve));
  outside.kill('SIGKILL');
  await gone;
  // Nothing else on this machine has groups of these names. They can be removed once their last process has ended.
  for (const hierarchy of ['.', ...readdirSync(CGROUPS)])
    for (const group of ['system.slice', 'init.scope'])
      await until(`the end of ${group}`, () => isRemoved(`${CGROUPS}/${hierarchy}/${group}`));
}

function isRemoved(path: string): boolean {
  if (!existsSync(path)) return true;
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) isRemoved(`${path}/${entry.name}`);
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
