/**
 * Runs before the tests: makes Debian's chromium available to the browser test (test/console.test.ts).
 *
 * It installs a system package, so it does that only where it is sure to be welcome: as root on Debian or
 * a derivative that packages it under the same name. Elsewhere it says why the browser test will be
 * skipped. Exits 0 either way, unless CI=true asks for the browser and it is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const CHROMIUM = '/usr/bin/chromium';

if (!existsSync(CHROMIUM)) {
  const reason = whyNotInstallable() ?? install();
  if (reason !== undefined) {
    const isRequired = process.env.CI === 'true';
    const verdict = isRequired ? 'cannot run, and CI=true requires it' : 'is skipped';
    console.log(`the browser test ${verdict}: ${CHROMIUM} is missing, and ${reason}`);
    if (isRequired) process.exitCode = 1;
  }
}

/** Why this is no place to install a package, or undefined when it is one. */
function whyNotInstallable() {
  const distributions = distribution();
  // Ubuntu is like Debian, but its chromium package is a stub that asks for a snap.
  if (distributions[0] === 'ubuntu') return 'Ubuntu has it as a snap only';
  if (!distributions.includes('debian')) return 'it is installed automatically on Debian only';
  if (process.getuid?.() !== 0) return 'only root can install it (apt-get install chromium)';
  return undefined;
}

/** ID, then the entries of ID_LIKE, from os-release(5); empty when there is no such file. */
function distribution() {
  let text;
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch {
    return [];
  }
  const value = (key) =>
    new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1]?.trim().replaceAll(/["']/g, '').toLowerCase() ?? '';
  return [value('ID'), ...value('ID_LIKE').split(/\s+/)];
}

/** Installs the package; undefined when the browser is there afterwards, else what went wrong. */
function install() {
  console.log('installing chromium for the browser test with apt-get');
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    // Another apt may hold the lock for a while (unattended upgrades): wait for it.
    const run = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (run.error) return `apt-get cannot be run: ${run.error.message}`;
    if (run.status !== 0) {
      const last = run.stderr.trim().split('\n').at(-1);
      return `"apt-get ${args.join(' ')}" failed with exit code ${run.status}: ${last}`;
    }
  }
  return existsSync(CHROMIUM) ? undefined : 'installing the package chromium did not bring it';
}
