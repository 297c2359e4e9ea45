/**
 * Runs before the full tier of the tests: makes available what some of them run, from Debian's packages: chromium (test/console/*.full.test.ts),
 * nginx, HAProxy and Caddy (test/deploy/proxy.full.test.ts), Prometheus (test/deploy, test/telemetry/promtool.full.test.ts).
 *
 * It installs system packages, so it does that only where it is sure to be welcome: as root on Debian or a derivative
 * that packages them under the same names; and servers only where no service manager would start them. Elsewhere it says
 * which tests will be skipped, and why. Exits 0 either way, unless CI=true asks for all and one is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const NEEDED = [
  { name: 'chromium', path: '/usr/bin/chromium', tests: 'the browser test' },
  { name: 'nginx', path: '/usr/sbin/nginx', tests: 'the test behind nginx', isService: true },
  { name: 'haproxy', path: '/usr/sbin/haproxy', tests: 'the test behind HAProxy', isService: true },
  { name: 'caddy', path: '/usr/bin/caddy', tests: 'the test behind Caddy', isService: true },
  { name: 'prometheus', path: '/usr/bin/promtool', tests: 'the tests with promtool', isService: true },
];

for (const needed of NEEDED) {
  const { path, tests } = needed;
  if (existsSync(path)) continue;
  const reason = whyNotInstallable(needed) ?? install(needed);
  if (reason === undefined) continue;
  const isRequired = process.env.CI === 'true';
  const verdict = isRequired ? 'cannot run, and CI=true requires it' : 'is skipped';
  console.log(`${tests} ${verdict}: ${path} is missing, and ${reason}`);
  if (isRequired) process.exitCode = 1;
}

/** Why this is no place to install a package, or undefined when it is one. */
function whyNotInstallable({ name, isService }) {
  const distributions = distribution();
  // Ubuntu is like Debian, but its chromium package is a stub that asks for a snap.
  if (distributions[0] === 'ubuntu' && name === 'chromium') return 'Ubuntu has it as a snap only';
  if (!distributions.includes('debian')) return 'it is installed automatically on Debian only';
  if (isService && existsSync('/run/systemd/system'))
    return 'systemd would start it as soon as it is installed';
  if (process.getuid?.() !== 0) return `only root can install it (apt-get install ${name})`;
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

/** Installs the package; undefined when the program is there afterwards, else what went wrong. */
function install({ name, path, tests }) {
  console.log(`installing ${name} for ${tests} with apt-get`);
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', name]]) {
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
  return existsSync(path) ? undefined : `installing the package ${name} did not bring it`;
}
