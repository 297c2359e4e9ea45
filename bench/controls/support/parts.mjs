/** Processes that a control is made of, beside the one that the runner started: they end with it, and their CPU counts. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpu, leaveOut } from './control.mjs';

/** Of `/proc/<pid>/stat`, in which CPU time is told. */
const TICK_SECONDS = 0.01;
const LOOK_MS = 20;

const pids = [];

/** A folder that is there as long as this process. */
export function ownFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'shardhub-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a module of its own. @returns what it says first (`process.send`), and itself */
export async function startPart(url, ...args) {
  const child = fork(fileURLToPath(url), args);
  process.once('exit', () => child.kill('SIGKILL'));
  pids.push(child.pid);
  const [first] = await once(child, 'message');
  return { child, ...first };
}

/** Starts a NATS server with JetStream, where there is one; this control is left out elsewhere. @returns its URL */
export async function startNats() {
  const folder = ownFolder();
  const config = join(folder, 'server.conf');
  const quoted = JSON.stringify(folder);
  writeFileSync(
    config,
    `listen: "127.0.0.1:-1"\nports_file_dir: ${quoted}\njetstream { store_dir: ${quoted} }\n`,
  );
  const server = spawn('nats-server', ['-c', config, '-l', join(folder, 'log')], { stdio: 'ignore' });
  let failure;
  server.once('error', ({ code }) => {
    failure = code === 'ENOENT' ? 'there is no nats-server (apt-get install nats-server)' : code;
  });
  server.once('exit', (code) => {
    failure ??= `nats-server ended with ${code}`;
  });
  process.once('exit', () => server.kill('SIGKILL'));
  for (;;) {
    // A process that is left out ends here.
    if (failure !== undefined) await new Promise(() => leaveOut(failure));
    const name = readdirSync(folder).find((file) => file.endsWith('.ports'));
    const text = name === undefined ? '' : readFileSync(join(folder, name), 'utf8');
    if (text !== '') {
      pids.push(server.pid);
      return JSON.parse(text).nats[0];
    }
    await setTimeout(LOOK_MS);
  }
}

/** A command `cpu` that tells the CPU of this process and all its parts; the I/O thread is that of this process. */
export function cpuOfAll() {
  const own = cpu();
  return { ...own, process: pids.reduce((sum, pid) => sum + secondsOf(pid), own.process) };
}

function secondsOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
}
