/** What a figure depends on beside the code: the machine, the versions, the commit. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { LeftOut } from './errors.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = ['uWebSockets.js', 'piscina', 'ws', 'autocannon'];

/** Files that a process has open beside its sockets. */
const OTHER_FILES = 200;

/** @throws LeftOut when a process here may not have so many sockets */
export function requireOpenFiles(sockets) {
  const needed = sockets + OTHER_FILES;
  const limit = openFileLimit();
  if (limit >= needed) return;
  throw new LeftOut(
    `it needs ${needed} open files and the limit is ${limit}; first run: ulimit -n ${needed}`,
  );
}

/** The limit of this process and its children; unknown is taken for enough. */
function openFileLimit() {
  try {
    const [, limit] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

export function describeMachine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    loadAverage: os.loadavg()[0],
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    packages: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    go: commandOutput('go', ['version']),
    shardhub: readJson(`${ROOT}/package.json`).version,
    commit: describeCommit(),
  };
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const versionOf = (name) => readJson(`${ROOT}/node_modules/${name}/package.json`).version;

/** The commit, and whether the files differ from it. */
function describeCommit() {
  const hash = commandOutput('git', ['rev-parse', 'HEAD']);
  if (hash === null) return null;
  const isClean = commandOutput('git', ['status', '--porcelain', '--untracked-files=no']) === '';
  return isClean ? hash : `${hash} with changes`;
}

/** @returns {string | null} null when the command is missing or fails */
function commandOutput(command, args) {
  try {
    return execFileSync(command, args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}
