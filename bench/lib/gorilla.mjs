/** Builds the Go control, once per run of the benchmarks: from Debian's packages, or else as a Go module. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LeftOut } from './errors.mjs';

const SOURCE = fileURLToPath(new URL('../controls/gorilla', import.meta.url));
/** Where golang-github-gorilla-websocket-dev of Debian and Ubuntu puts its sources. */
const DEBIAN_GOPATH = '/usr/share/gocode';

/** @type {{ binary: string } | { reason: string } | undefined} */
let built;

/** @returns {string} path of the binary; removed when this process ends @throws LeftOut without Go or the library */
export function buildGorilla() {
  built ??= build();
  if ('reason' in built) throw new LeftOut(built.reason);
  return built.binary;
}

function build() {
  // In a copy: a module build writes its go.sum beside the source.
  const folder = mkdtempSync(join(tmpdir(), 'shardhub-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(SOURCE, folder, { recursive: true });
  const isPackaged = existsSync(join(DEBIAN_GOPATH, 'src/github.com/gorilla/websocket'));
  const env = isPackaged ? { GO111MODULE: 'off', GOPATH: DEBIAN_GOPATH } : { GOFLAGS: '-mod=mod' };
  try {
    execFileSync('go', ['build', '-o', 'gorilla', '.'], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return { binary: join(folder, 'gorilla') };
  } catch (error) {
    if (error.code === 'ENOENT') return { reason: 'there is no Go here (Debian: apt-get install golang-go)' };
    const [complaint] = String(error.stderr).trim().split('\n').slice(-1);
    return {
      reason: `it does not build (Debian: apt-get install golang-github-gorilla-websocket-dev): ${complaint}`,
    };
  }
}
