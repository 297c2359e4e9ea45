/**
 * `hub.publish` to subscribers in another process, through the relay of `serve --processes`: this process publishes, and
 * the CPU is that of all three.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHub } from 'shardhub';
import { RelayServer } from '../../dist/broker/relay/relay-server.js';
import { announce, cpu } from './support/control.mjs';
import { numbered } from './support/numbered.mjs';

/** Of `/proc/<pid>/stat`, in which CPU time is told. */
const TICK_SECONDS = 0.01;
const handler = new URL('../handlers/subscribe.mjs', import.meta.url);
const [options = '{}', role, path] = process.argv.slice(2);
const start = (broker) => createHub({ port: 0, ...JSON.parse(options), handler, broker });

if (role === 'relay') {
  await new RelayServer().listen(path);
  process.send({});
} else if (role === 'subscribers') {
  const { port } = await start(`relay:${path}`);
  process.send({ port });
} else {
  const folder = mkdtempSync(join(tmpdir(), 'shardhub-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, 'relay.sock');
  const relay = await startPart('relay', socket);
  const subscribers = await startPart('subscribers', socket);
  const hub = await start(`relay:${socket}`);
  const next = numbered();
  announce(subscribers.port, {
    publish: (bytes) => void hub.publish('topic', next(Number(bytes))),
    cpu: () => {
      const own = cpu();
      return { ...own, process: own.process + secondsOf(relay.pid) + secondsOf(subscribers.pid) };
    },
  });
}

async function startPart(name, socket) {
  const child = fork(fileURLToPath(import.meta.url), [options, name, socket]);
  process.once('exit', () => child.kill());
  const [{ port }] = await once(child, 'message');
  return { pid: child.pid, port };
}

function secondsOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
}
