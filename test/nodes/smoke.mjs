/**
 * Whether a hub runs on the JavaScript that runs this, from its start to its end: echoes, a worker that ends, one that
 * loops, HTTP, the command line, a handler in TypeScript, `await using`. Plain assertions: it runs where no test runner does.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHub } from 'shardhub';
import { WebSocket } from 'ws';

const engine = process.argv[2] ?? 'auto';
const BINARY = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const isBun = process.versions.bun !== undefined;
const [major, minor] = process.versions.node.split('.').map(Number);
/** Type stripping without a flag, and `await using`. */
const hasTypes = isBun || major > 22 || (major === 22 && minor >= 18);
const hasUsing = isBun || major >= 24;

const BUN_CANNOT = [
  [{ workerMemoryMb: 64 }, /"workerMemoryMb" got 64, but Bun .*run on Node/],
  [{ proxyProtocol: true }, /"proxyProtocol" got true, but Bun .*run on Node/],
  [{ tls: { key: 'k', cert: 'c', clientCa: 'a' } }, /"tls" got clientCa, but Bun .*run on Node/],
  [{ sharePort: true }, /"sharePort" got true, but .* Bun .*run on Node/],
];

process.on('warning', (warning) => {
  throw warning;
});

async function connect(url) {
  const socket = new WebSocket(url);
  const got = [];
  let wake = () => {};
  socket.on('message', (data) => {
    got.push(data.toString());
    wake();
  });
  socket.on('error', () => {});
  const closed = once(socket, 'close').then(([code]) => code);
  await once(socket, 'open');
  const next = async () => {
    while (got.length === 0)
      await new Promise((resolve) => {
        wake = resolve;
      });
    return got.shift();
  };
  return { socket, closed, next };
}

async function ask({ socket, next }, text) {
  socket.send(text);
  return next();
}

/** 50 connections with 100 messages each, all at once; then two whose workers do not live through it. */
async function storm() {
  const handler = new URL('../fixtures/deaths.mjs', import.meta.url);
  const options = {
    port: 0,
    workers: 2,
    handler,
    handlerTimeoutMs: 300,
    restartPauseMs: 50,
    logLevel: 'silent',
    engine,
  };
  const hub = await createHub(options);
  if (isBun)
    for (const [option, why] of BUN_CANNOT)
      await assert.rejects(createHub({ ...options, ...option }), { code: 'ERR_OPTION', message: why });
  const clients = await Promise.all(Array.from({ length: 50 }, () => connect(hub.wsUrl)));
  await Promise.all(
    clients.map(async ({ socket, next }, at) => {
      for (let i = 0; i < 100; i++) socket.send(`${at} ${i} ${'é'.repeat((i * 37) % 3000)}`);
      for (let i = 0; i < 100; i++) assert.equal(await next(), `${at} ${i} ${'é'.repeat((i * 37) % 3000)}`);
    }),
  );
  for (const death of ['exit', 'loop']) {
    const victim = await connect(hub.wsUrl);
    victim.socket.send(death);
    assert.equal(await victim.closed, 1011, death);
    assert.equal(await ask(await connect(hub.wsUrl), `after ${death}`), `after ${death}`);
  }
  while (hub.stats().workerRestarts < 2) await new Promise((resolve) => setTimeout(resolve, 5));

  hub.http(async (request) => new Response(`${request.method} ${await request.text()}`, { status: 201 }));
  assert.equal(await (await fetch(`${hub.url}/healthz`)).text(), 'ok\n');
  assert.equal(await (await fetch(`${hub.url}/echo`, { method: 'POST', body: 'x' })).text(), 'x');
  assert.equal(await (await fetch(`${hub.url}/app`, { method: 'PUT', body: 'ü' })).text(), 'PUT ü');
  const last = await connect(hub.wsUrl);
  await hub.close();
  assert.equal(await last.closed, 1001);
  return hub.stats().engine.name;
}

async function commandLine(...args) {
  const child = spawn(process.execPath, [BINARY, 'serve', '--port=0', `--engine=${engine}`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let complaints = '';
  const url = new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output += data;
      const [found] = /ws:[^\s,]+/.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', () => reject(new Error(complaints)));
  });
  child.stderr.on('data', (data) => {
    complaints += data;
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    return { code, complaints };
  };
  return { client: await connect(await url), stop };
}

const folder = mkdtempSync(join(tmpdir(), 'shardhub-smoke-'));
try {
  const ran = await storm();

  const { client, stop } = await commandLine();
  assert.equal(await ask(client, 'over there'), 'over there');
  assert.deepEqual(await stop(), { code: 0, complaints: '' });

  if (isBun)
    await assert.rejects(commandLine('--processes=2'), /"processes": an HTTP server of Bun .*run on Node/);

  const typed = join(folder, 'typed.ts');
  writeFileSync(
    typed,
    "export default { message: (_: unknown, message: { text(): string }) => 'typed ' + message.text() };",
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  if (hasTypes) {
    const typedHub = await commandLine('--handler', typed);
    assert.equal(await ask(typedHub.client, 'x'), 'typed x');
    assert.deepEqual(await typedHub.stop(), { code: 0, complaints: '' });
  } else {
    await assert.rejects(
      commandLine('--handler', typed),
      /compile it to JavaScript; Node\.js 22\.18 and newer run \.ts/,
    );
  }

  if (hasUsing) {
    const source = 'export async function use(make) { await using hub = await make(); return hub; }';
    const { use } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
    const hub = await use(() => createHub({ port: 0, workers: 0, logLevel: 'silent', engine }));
    assert.equal(hub.state, 'stopped');
  }
  console.log(
    `a hub runs on ${isBun ? `Bun ${process.versions.bun}` : `Node.js ${process.version}`}, engine ${ran}`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
