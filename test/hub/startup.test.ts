/** Starting a hub: what it says while it starts, and a start that fails leaves nothing running. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { abandonedWorkers, createHub, HubError } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { tryHandshake } from '../support/clients/raw-client.js';
import { type RawResponse, rawRequest } from '../support/clients/raw-http.js';
import { WsClient } from '../support/clients/ws-client.js';
import { hasReusePort } from '../support/engines/one-engine.js';
import { byEngine, engineUnderTest } from '../support/engines/under-test.mjs';
import { freePort } from '../support/processes/ports.js';
import { runScript, threadCount } from '../support/processes/processes.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

interface Outcome {
  readonly type?: string;
  readonly code: string;
  readonly message: string;
}

interface Printed {
  /** The one that was in use. */
  readonly port: number;
  readonly outcomes: Record<string, Outcome>;
  /** Of a hub in which one of two workers did not load its handler. */
  readonly halfUp: Outcome;
}

test('every way to fail has its code and says why, and a process in which all of them happened exits by itself', async () => {
  const { code, printed } = await runScript<Printed>('failing-starts.mjs');
  expect(code).toBe(0);
  const expected: Record<string, [string, RegExp]> = {
    'port in use': ['ERR_LISTEN', new RegExp(`\\b${printed.port}\\b`)],
    'missing handler': ['ERR_HANDLER_LOAD', /no\/such\/handler\.mjs/],
    'no default export': ['ERR_HANDLER_LOAD', /no-default\.mjs.*default export/],
    'no hook': ['ERR_HANDLER_LOAD', /no-hooks\.mjs.*hooks/],
    'throws at load': ['ERR_HANDLER_LOAD', /throws-at-load\.mjs.*broken at load/],
    'never loads': ['ERR_HANDLER_LOAD', /never-loads\.mjs.*1000 ms/],
    'bad option': ['ERR_OPTION', /"idleTimeout" got 7/],
  };
  for (const [name, [errorCode, message]] of Object.entries(expected)) {
    for (const workers of [0, 2]) {
      const outcome = printed.outcomes[`${name}, workers: ${workers}`];
      expect(outcome).toMatchObject({ type: 'HubError', code: errorCode });
      expect(outcome?.message).toMatch(message);
    }
  }
  expect(printed.halfUp).toMatchObject({ type: 'HubError', code: 'ERR_HANDLER_LOAD' });
  expect(printed.halfUp.message).toMatch(/loads-once\.mjs/);
});

describe('a port in use', () => {
  test('by another hub is refused, and that hub is unharmed', async () => {
    const { hub } = await startHub();
    const client = await WsClient.connect(hub.wsUrl);
    const before = threadCount();
    const error = await createHub({ ...engineUnderTest, port: hub.port, workers: 2 }).catch(
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(HubError);
    expect(error).toMatchObject({ code: 'ERR_LISTEN', message: expect.stringContaining(String(hub.port)) });
    expect(await client.ask('unharmed')).toBe('unharmed');
    if (before !== undefined) await until('its threads to be gone', () => threadCount()! <= before);
  });

  test('is shared only when both hubs ask for it, and where it can be', async () => {
    const starting = startHub({ port: 0, sharePort: true, workers: 0 });
    if (!byEngine({ uws: true, node: hasReusePort })) {
      const message = expect.stringMatching(/sharePort .* needs Node\.js 22\.12/);
      await expect(starting).rejects.toMatchObject({ code: 'ERR_LISTEN', message });
      return;
    }
    const { hub } = await starting;
    const second = await startHub({ port: hub.port, sharePort: true, workers: 0 });
    expect(second.hub.port).toBe(hub.port);
    await expect(createHub({ ...engineUnderTest, port: hub.port, workers: 0 })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
    });
  });

  test('by a program of another kind is refused', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(createHub({ ...engineUnderTest, port, workers: 0 })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
    });
  });

  test.each<[string, { host?: string; port?: number }, RegExp]>([
    ['in use', {}, /127\.0\.0\.1 port \d+: the port is in use: choose another port .*\(EADDRINUSE\)/],
    [
      'on a name that is none',
      { host: 'nosuch.invalid' },
      /nosuch\.invalid port \d+: the name is not known here.*E(NOTFOUND|AI_AGAIN)/,
    ],
    [
      'on an address of another machine',
      { host: '192.0.2.1' },
      /192\.0\.2\.1 port \d+: .* not one of this machine.*EADDRNOTAVAIL/,
    ],
    [
      'on an address of another machine, any port',
      { host: '192.0.2.1', port: 0 },
      /port 0: .* not one of this machine/,
    ],
  ])('%s is told from other reasons', async (_, options, message) => {
    const { hub } = await startHub({ workers: 0 });
    const failing = createHub({ ...engineUnderTest, port: hub.port, workers: 0, ...options });
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringMatching(message),
    });
  });

  test('is free as soon as its hub has closed, also when the system had chosen it', async () => {
    const first = await startHub({ workers: 0 });
    const { port } = first.hub;
    // The end that closes first keeps the port of its connection for a minute (TIME_WAIT).
    const clients = await Promise.all(Array.from({ length: 3 }, () => WsClient.connect(first.hub.wsUrl)));
    const health = await rawRequest(port, 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(health.status).toBe(200);
    await first.hub.close();
    for (const client of clients) expect((await client.closed).code).toBe(1001);
    for (let i = 0; i < 2; i++) {
      const { hub } = await startHub({ workers: 0, port });
      expect(await (await WsClient.connect(hub.wsUrl)).ask('again')).toBe('again');
      await hub.close();
    }
  });
});

test('while the handler loads, readyz and handshakes are answered with 503', async () => {
  const port = await freePort();
  const barriers = new Barriers();
  const starting = startHub({ port, handler: new URL(barriers.url(fixture('slow-to-load.mjs').href)) });
  const readyz = await until('an answer', () =>
    rawRequest(port, 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => undefined),
  );
  expect<RawResponse>(readyz).toMatchObject({ status: 503, body: expect.stringMatching(/^starting\s*$/) });
  const health = await rawRequest(port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(health.status).toBe(200);
  const handshake = await tryHandshake(port);
  expect(handshake).toMatchObject({
    status: 503,
    headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
  });
  barriers.lift('release');
  const { hub } = await starting;
  expect(hub.stats().rejected.starting).toBe(1);
  expect((await rawRequest(port, 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')).status).toBe(200);
  expect(await (await WsClient.connect(hub.wsUrl)).ask('ready')).toBe('ready');
});

describe('a worker that does not come up', () => {
  function setUp(how: string) {
    const barriers = new Barriers();
    const choose = (text: string) => writeFileSync(join(barriers.dir, 'load'), text);
    choose(how);
    onTestFinished(async () => {
      barriers.lift('release');
      await until('all threads to end', () => abandonedWorkers() === 0);
    });
    const handler = new URL(barriers.url(fixture('loads.mjs').href));
    return { choose, options: { port: 0, handler, handlerTimeoutMs: 50 } };
  }

  // However short the handler's time is, a module gets a second.
  const LATE = /loads\.mjs.* cannot be loaded: .*\b1000 ms/;
  const WAYS = [
    ['wait', 'ERR_HANDLER_LOAD', LATE],
    ['loop', 'ERR_HANDLER_LOAD', LATE],
    ['native', 'ERR_HANDLER_LOAD', LATE],
    ['exit', 'ERR_WORKER', /worker \d ended: .*\b7$/],
  ] as const;

  test.each(WAYS)('%s: createHub rejects', async (how, code, message) => {
    const { options } = setUp(how);
    const before = threadCount();
    const error = await createHub({ ...engineUnderTest, ...options, workers: 2, logLevel: 'silent' }).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(abandonedWorkers()).toBe(how === 'native' ? 2 : 0);
    if (before !== undefined && how !== 'native')
      await until('its threads to be gone', () => threadCount()! <= before);
  });

  test.each(WAYS)('%s: a replacement is tried again until it serves', async (how, _, message) => {
    const { choose, options } = setUp('at once');
    const { hub, log } = await startHub({ ...options, workers: 1, maxRestarts: 1000, restartPauseMs: 50 });
    const client = await WsClient.connect(hub.wsUrl);
    choose(how);
    client.send('exit');
    expect((await client.closed).code).toBe(1011);
    expect((await rawRequest(hub.port, 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')).status).toBe(503);
    const failed = () => log.find((line) => line.message === 'a worker could not be started');
    expect((await until('a start to fail', failed)).details.reason).toMatch(message);
    choose('at once');
    const late = await WsClient.connect(hub.wsUrl);
    expect(await late.ask('served')).toBe('served');
    expect((await rawRequest(hub.port, 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')).status).toBe(200);
  });

  test('out of memory before it is ready: createHub rejects', async () => {
    await expect(
      createHub({ ...engineUnderTest, port: 0, workerMemoryMb: 4, logLevel: 'silent' }),
    ).rejects.toMatchObject({
      code: 'ERR_WORKER',
      message: expect.stringMatching(/worker \d ended: .*memory/),
    });
  });
});
