/** nginx, HAProxy and Caddy in front of hubs, with the files of deploy/proxy. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { freePort } from '../processes/ports.js';
import { temporaryFolder } from '../processes/temporary-folder.js';
import { until } from '../until.js';

export type ProxyName = 'nginx' | 'haproxy' | 'caddy';

export const PROXY_PROGRAMS = {
  nginx: '/usr/sbin/nginx',
  haproxy: '/usr/sbin/haproxy',
  caddy: '/usr/bin/caddy',
} as const;
const FILES = { nginx: 'nginx.conf', haproxy: 'haproxy.cfg', caddy: 'Caddyfile' } as const;
const pathOf = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const CERTIFICATE = pathOf('test/fixtures/tls/rsa-cert.pem');
const KEY = pathOf('test/fixtures/tls/rsa-key.pem');

/** What the package has for one of them. */
export function proxyFile(name: ProxyName): string {
  return readFileSync(pathOf(`deploy/proxy/${FILES[name]}`), 'utf8');
}

export interface ProxyProgram {
  readonly port: number;
  /** `wss:` of its port, with the certificate of the tests. */
  readonly wsUrl: string;
  /** Takes other hubs from now on, as an administrator has it do. */
  reload(hubPorts: readonly [number, number]): Promise<void>;
}

/**
 * Starts it for two hubs, which the files have on 8080 and 8081; ended after the test.
 *
 * @param edit changes the file before it is used
 */
export async function startProxy(
  name: ProxyName,
  hubPorts: readonly [number, number],
  edit: (text: string) => string = (text) => text,
): Promise<ProxyProgram> {
  const folder = temporaryFolder();
  const [port, otherPort] = [await freePort(), await freePort()];
  const file = join(folder, 'proxy.conf');
  const pem = join(folder, 'both.pem');
  const master = join(folder, 'master.sock');
  writeFileSync(pem, readFileSync(CERTIFICATE, 'utf8') + readFileSync(KEY, 'utf8'));
  const write = ([first, second]: readonly [number, number]) =>
    writeFileSync(
      file,
      around(
        name,
        folder,
        otherPort,
        edit(proxyFile(name))
          .replaceAll('127.0.0.1:8080', `127.0.0.1:${first}`)
          .replaceAll('127.0.0.1:8081', `127.0.0.1:${second}`)
          .replace('listen 443', `listen 127.0.0.1:${port}`)
          .replace('listen 80', `listen 127.0.0.1:${otherPort}`)
          .replace('bind :443', `bind 127.0.0.1:${port}`)
          .replace('hub.example {', `https://127.0.0.1:${port} {\n  tls ${CERTIFICATE} ${KEY}`)
          .replace('/etc/ssl/shardhub/fullchain.pem', CERTIFICATE)
          .replace('/etc/ssl/shardhub/key.pem', KEY)
          .replace('/etc/haproxy/shardhub.pem', pem),
      ),
    );
  write(hubPorts);
  const args = {
    nginx: ['-e', 'stderr', '-c', file],
    haproxy: ['-W', '-db', '-f', file, '-S', master],
    caddy: ['run', '--adapter', 'caddyfile', '--config', file],
  };
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(PROXY_PROGRAMS[name], args[name], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  onTestFinished(() => endGroup(child));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await until(`${name} to listen`, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`);
    return canConnect(port);
  });
  return {
    port,
    wsUrl: `wss://127.0.0.1:${port}/ws`,
    async reload(ports) {
      write(ports);
      if (name === 'nginx') child.kill('SIGHUP');
      // Its workers listen before it takes signals, so it is asked over its socket, once that listens.
      if (name === 'haproxy') await until('the socket of the master', () => tell(master, 'reload\n'));
      const reload = ['reload', '--adapter', 'caddyfile', '--config', file];
      if (name === 'caddy') execFileSync(PROXY_PROGRAMS.caddy, reload, { env, stdio: 'pipe' });
    },
  };
}

/** What a distribution has around the file. */
function around(name: ProxyName, folder: string, freePort: number, lines: string): string {
  if (name === 'haproxy') return lines;
  if (name === 'caddy') return `{\nadmin 127.0.0.1:${freePort}\nauto_https disable_redirects\n}\n${lines}`;
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  // Its workers would be another user's, who may not enter the folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  return `${user}daemon off;\npid ${folder}/pid;\nevents {}\nhttp {\naccess_log off;\n${paths.join('\n')}\n${lines}\n}\n`;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Writes to a Unix socket, and waits until it is closed; false when nobody listens. */
function tell(path: string, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.end(text)).on('error', () => resolve(false));
    socket.on('close', () => resolve(true)).resume();
  });
}

/** It and the processes that it has made. */
async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid!, 'SIGKILL');
  await ended;
}
