/** nginx, HAProxy and Caddy in front of a hub, with the lines that the docs have for them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../processes/ports.js';
import { temporaryFolder } from '../processes/temporary-folder.js';
import { until } from '../until.js';

export type ProxyName = 'nginx' | 'haproxy' | 'caddy';

const PROGRAMS = { nginx: '/usr/sbin/nginx', haproxy: '/usr/sbin/haproxy', caddy: '/usr/bin/caddy' } as const;
const PAGE = new URL('../../../docs/handshake.md', import.meta.url);

/** True when it is not there and need not be. */
export function isMissing(name: ProxyName): boolean {
  const isSkipped = !existsSync(PROGRAMS[name]) && process.env.CI !== 'true';
  if (isSkipped)
    console.log(`the test behind ${name} is skipped: ${PROGRAMS[name]} is missing (apt-get install ${name})`);
  return isSkipped;
}

/** The lines of the docs for one of them, in the order of the page. */
export function documentedLines(name: ProxyName, which = 0): string {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(new RegExp(`\`\`\`${name}\n(.*?)\`\`\``, 'gs'))];
  const lines = blocks[which]?.[1];
  if (lines === undefined) throw new Error(`the page has no block ${which} for ${name}`);
  return lines;
}

export interface ProxyProgram {
  readonly port: number;
  /** What HAProxy says of the hub's health, such as `L7OK`. */
  health(): Promise<string>;
}

/** Starts it for a hub, which the lines have at 127.0.0.1:8080; ended after the test. */
export async function startProxy(name: ProxyName, lines: string, hubPort: number): Promise<ProxyProgram> {
  const folder = temporaryFolder();
  const port = await freePort();
  const placed = lines
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${hubPort}`)
    .replace(/listen 80;/, `listen 127.0.0.1:${port};`)
    .replace(/bind :80$/m, `bind 127.0.0.1:${port}`)
    .replace(/^:80 \{/m, `:${port} {`);
  const file = join(folder, 'proxy.conf');
  const control = join(folder, 'control.sock');
  const around = {
    nginx: () => aroundNginx(folder, placed),
    haproxy: () => aroundHaproxy(control, placed),
    caddy: () => `{\nadmin off\n}\n${placed}`,
  };
  writeFileSync(file, around[name]());
  const args = {
    nginx: ['-e', 'stderr', '-c', file],
    haproxy: ['-db', '-f', file],
    caddy: ['run', '--adapter', 'caddyfile', '--config', file],
  };
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(PROGRAMS[name], args[name], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => end(child));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await until(`${name} to listen`, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`);
    return canConnect(port);
  });
  return { port, health: () => askHealth(control) };
}

function aroundNginx(folder: string, lines: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `daemon off;\nmaster_process off;\npid ${folder}/pid;\nevents {}\nhttp {\naccess_log off;\n${paths.join('\n')}\n${lines}\n}\n`;
}

function aroundHaproxy(control: string, lines: string): string {
  return `global\n  stats socket ${control} mode 600 level user\n\n${lines}\n`;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function askHealth(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.end('show stat\n')).setEncoding('utf8');
    socket.on('data', (piece) => {
      text += piece;
    });
    socket.on('error', reject).on('close', () => {
      const [head = '', ...rows] = text
        .trim()
        .split('\n')
        .map((row) => row.split(','));
      const row = rows.find(([proxy, server]) => proxy === 'shardhub' && server === 'hub');
      resolve(row?.[(head as string[]).indexOf('check_status')] ?? '');
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
