/** The `upgrade` hook: what it is told, what it may answer, and that nothing it does harms anybody else. */
import { inspect } from 'node:util';
import { createHub, type HandshakeRequest, type HubOptions, type UpgradeHook } from 'shardhub';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { handshakeRequest, RawClient, tryHandshake } from '../../support/clients/raw-client.js';
import { dial, readResponse } from '../../support/clients/raw-http.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { counted } from '../../support/counters.js';
import { Command } from '../../support/processes/command-line.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const handler = fixture('handshake.mjs');

/** A hub with this hook; one worker is as good as two here. */
const startWith = (upgrade: UpgradeHook, options: HubOptions = {}) =>
  startHub({ workers: 1, handler, upgrade, ...options });

/** Hooks that wait until the test lets them go. */
class Gate {
  readonly requests: HandshakeRequest[] = [];
  readonly #waiting: ((value: unknown) => void)[] = [];

  readonly hook = (request: HandshakeRequest): Promise<never> => {
    this.requests.push(request);
    return new Promise((resolve) => this.#waiting.push(resolve as (value: unknown) => void));
  };

  async until(count: number): Promise<void> {
    await until(`${count} handshakes wait`, () => this.#waiting.length === count);
  }

  release(value?: unknown): void {
    for (const resolve of this.#waiting.splice(0)) resolve(value);
  }
}

describe('what it is told and what it says', () => {
  test.each([
    ['at once', (value: unknown) => value],
    ['later', async (value: unknown) => value],
  ])('reaches the handler and the client, %s', async (_, answer) => {
    const seen: HandshakeRequest[] = [];
    const { hub } = await startWith((request) => {
      seen.push(request);
      const headers = { 'X-Trace': 'abc', 'Set-Cookie': ['a=1', 'b=2'] };
      return answer({ data: { userId: 'ann' }, subprotocol: 'chat.v1', headers }) as never;
    });
    const options = { protocols: ['chat.v2', 'chat.v1'], headers: { 'X-Id': 'é7' } };
    const headers: Record<string, unknown> = {};
    const client = await WsClient.connect(`${hub.wsUrl}?room=7&x=%20`, {
      ...options,
      finishRequest: (request) => {
        request.on('upgrade', (response) => Object.assign(headers, response.headers));
        request.end();
      },
    });
    expect(headers).toMatchObject({ 'x-trace': 'abc', 'set-cookie': ['a=1', 'b=2'] });
    expect(client.socket.protocol).toBe('chat.v1');
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      url: '/ws?room=7&x=%20',
      path: '/ws',
      query: 'room=7&x=%20',
      remoteAddress: '127.0.0.1',
      subprotocols: ['chat.v2', 'chat.v1'],
      headers: { host: `127.0.0.1:${hub.port}`, upgrade: 'websocket' },
    });
    expect(seen[0]!.subprotocol).toBeUndefined();
    expect(await client.ask('data')).toBe("{ userId: 'ann' }");
    for (const name of ['url', 'path', 'query', 'remoteAddress', 'subprotocols'] as const)
      expect(await client.ask(name)).toBe(inspect(seen[0]![name]));
    expect(await client.ask('subprotocol')).toBe("'chat.v1'");
    expect(await client.ask('headers')).toContain("'x-id': ");
  });

  test.each([undefined, {}, { data: undefined, headers: {} }])('%j lets in, with nothing', async (result) => {
    const { hub } = await startWith(() => result);
    expect(await (await WsClient.connect(hub.wsUrl)).ask('data')).toBe('undefined');
  });

  test('data is copied as a structured clone does, not as JSON does', async () => {
    const shared = { n: 1 };
    const samples: Record<string, unknown> = {
      zero: -0,
      date: new Date(0),
      map: new Map([['a', new Set([1n])]]),
      bytes: new Uint8Array([1, 2, 3]),
      hole: [1, undefined, Number.NaN],
      twice: [shared, shared],
      text: 'snowman ☃ and 𝄞',
      proto: JSON.parse('{"__proto__": {"a": 1}}'),
      toJson: { toJSON: undefined, a: 1 },
      nothing: null,
      falsy: false,
    };
    const { hub } = await startWith(({ query }) => ({ data: samples[query] }));
    for (const [name, data] of Object.entries(samples)) {
      const client = await WsClient.connect(`${hub.wsUrl}?${name}`);
      expect(await client.ask('data'), name).toBe(
        inspect(structuredClone(data), { depth: 9, breakLength: Infinity, sorted: true }),
      );
      client.destroy();
    }
  });

  test('a worker that replaces a dead one knows it again', async () => {
    const { hub } = await startWith(({ query }) => ({ data: { of: query } }));
    const victim = await WsClient.connect(`${hub.wsUrl}?victim`);
    const bystander = await WsClient.connect(`${hub.wsUrl}?bystander`);
    expect(await bystander.ask('restarted')).toBe('false');
    victim.send('die');
    expect((await victim.closed).code).toBe(1011);
    expect(await bystander.ask('data')).toBe("{ of: 'bystander' }");
    expect(await bystander.ask('restarted')).toBe('true');
  });

  test('its type goes from the hook to the hub', () => {
    const make = () => createHub({ upgrade: () => ({ data: { userId: 'a' } }) });
    expectTypeOf(make).returns.resolves.toHaveProperty('options');
    expectTypeOf<HubOptions<{ a: 1 }>['upgrade']>().toEqualTypeOf<UpgradeHook<{ a: 1 }> | undefined>();
  });
});

describe('a refusal', () => {
  test.each([
    ['at once', (value: unknown) => value],
    ['later', async (value: unknown) => value],
  ])('is the response, %s', async (_, answer) => {
    const headers = { 'WWW-Authenticate': 'Bearer', 'Content-Type': 'application/json' };
    const { hub, log } = await startWith(
      () => answer({ reject: 401, body: '{"why":"no token"}', headers }) as never,
    );
    const response = await tryHandshake(hub.port);
    expect(response).toMatchObject({
      status: 401,
      body: '{"why":"no token"}\n',
      headers: { 'www-authenticate': 'Bearer', 'content-type': 'application/json' },
    });
    expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-refused': 1 });
    expect(hub.stats().connections).toMatchObject({ open: 0, opened: 0 });
    expect(log).toEqual([]);
  });

  test('has a body without one of its own', async () => {
    const { hub } = await startWith(() => ({ reject: 418 }));
    const response = await tryHandshake(hub.port);
    expect(response).toMatchObject({ status: 418, body: 'This connection was refused.\n' });
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  test('cannot be passed by with POST /echo', async () => {
    const { hub } = await startWith(() => ({ reject: 401 }));
    const answer = await fetch(`${hub.url}/echo`, { method: 'POST', body: 'data' });
    expect(answer.status).toBe(404);
    expect(hub.stats().messages.received).toBe(0);
  });

  test('is not asked for what the hub itself refuses', async () => {
    let calls = 0;
    const { hub } = await startWith(() => void calls++);
    await tryHandshake(hub.port, { headers: { origin: 'https://evil.example' } });
    await tryHandshake(hub.port, { headers: { 'sec-websocket-version': '8' } });
    expect(calls).toBe(0);
    expect(counted(hub.stats().rejected)).toEqual({ 'bad-origin': 1, 'bad-version': 1 });
  });
});

describe('a mistake of the hook is a 500, counted and logged, and says nothing to the client', () => {
  const circular: Record<string, unknown> = {};
  circular.self = () => {};
  test.each<[string, unknown, RegExp]>([
    ['true', true, /returned true but takes undefined, an object/],
    ['false', false, /returned false/],
    ['null', null, /returned null/],
    ['a string', 'ok', /returned "ok"/],
    ['an unknown key', { dat: 1 }, /unknown key "dat"/],
    ['data beside reject', { reject: 401, data: 1 }, /unknown key "data"/],
    ['a status that is no error', { reject: 200 }, /reject: 200 but takes an HTTP status from 400 to 599/],
    ['a status beyond', { reject: 600 }, /reject: 600/],
    ['a status as text', { reject: '401' }, /reject: "401"/],
    ['a status in between', { reject: 401.5 }, /reject: 401.5/],
    ['a body that is no text', { reject: 401, body: 7 }, /body: 7/],
    ['a line break in a value', { headers: { 'X-A': 'a\r\nX-B: b' } }, /value of the header X-A/],
    ['a line break in a refusal', { reject: 401, headers: { 'X-A': 'a\nb' } }, /value of the header X-A/],
    ['a value that is no text', { headers: { 'X-A': 7 } }, /value of the header X-A/],
    ['a line break in a name', { headers: { 'X-A\r\nX-B': 'a' } }, /header name/],
    ['an empty name', { headers: { '': 'a' } }, /header name ""/],
    ['Sec-WebSocket-Accept', { headers: { 'Sec-WebSocket-Accept': 'a' } }, /the header Sec-WebSocket-Accept/],
    ['sec-websocket-protocol', { headers: { 'sec-websocket-protocol': 'a' } }, /sec-websocket-protocol/],
    ['Connection', { headers: { Connection: 'close' } }, /the header Connection/],
    ['Upgrade', { headers: { Upgrade: 'h2c' } }, /the header Upgrade/],
    ['Content-Length', { reject: 401, headers: { 'Content-Length': '0' } }, /the header Content-Length/],
    ['headers as a list', { headers: [['a', 'b']] }, /headers: /],
    ['a subprotocol that was not offered', { subprotocol: 'chat' }, /subprotocol "chat" but the client/],
    ['data with a function', { data: { f() {} } }, /data that cannot be cloned/],
    ['data with a symbol', { data: Symbol('s') }, /data that cannot be cloned/],
    ['data with a cycle of functions', { data: circular }, /data that cannot be cloned/],
    ['too much data', { data: 'x'.repeat(70_000) }, /data of 70002 bytes/],
    ['too much data that is serialized', { data: new Uint8Array(60_000) }, /data of \d+ bytes/],
  ])('%s', async (_, result, message) => {
    for (const hook of [() => result, async () => result]) {
      const { hub, log } = await startWith(hook as UpgradeHook, { workers: 0 });
      const response = await tryHandshake(hub.port);
      expect(response).toMatchObject({
        status: 500,
        body: 'The server failed to decide on this connection.\n',
      });
      expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-error': 1 });
      expect(log).toHaveLength(1);
      expect(log[0]).toMatchObject({ level: 'error', details: { err: { code: 'ERR_UPGRADE' } } });
      expect(String(log[0]!.details.err)).toMatch(message);
    }
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('secret detail');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret detail'))],
    [
      'returns what throws when it is awaited',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested
        then() {
          throw new Error('secret detail');
        },
      }),
    ],
    [
      'returns what throws when it is looked at',
      () => ({
        get headers() {
          throw new Error('secret detail');
        },
      }),
    ],
  ])('%s', async (_, hook) => {
    const { hub, log } = await startWith(hook as UpgradeHook, { workers: 0 });
    const response = await tryHandshake(hub.port);
    expect(response.status).toBe(500);
    expect(response.body).not.toContain('secret');
    expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-error': 1 });
    expect(String(log[0]!.details.err)).toContain('secret detail');
  });
});

describe('a slow hook', () => {
  test('holds up nobody else', async () => {
    const gate = new Gate();
    const { hub } = await startWith((request) => (request.query === 'slow' ? gate.hook(request) : undefined));
    const slow = WsClient.connect(`${hub.wsUrl}?slow`);
    await gate.until(1);
    expect(await (await WsClient.connect(hub.wsUrl)).ask('path')).toBe("'/ws'");
    gate.release({ data: 'late' });
    expect(await (await slow).ask('data')).toBe("'late'");
  });

  test('is answered with 503 at its deadline, whatever it says later', async () => {
    const gate = new Gate();
    const { hub } = await startWith(gate.hook, { upgradeTimeoutMs: 50 });
    const response = await tryHandshake(hub.port);
    expect(response).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    gate.release();
    gate.release({ reject: 401 });
    await WsClient.connect(hub.wsUrl).catch(() => {});
    expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-timeout': 2 });
    expect(hub.stats().connections.opened).toBe(0);
  });

  test.each([undefined, { reject: 401 }, { nonsense: 1 }])(
    'may answer %j to a client that has left',
    async (result) => {
      const gate = new Gate();
      const { hub, log } = await startWith(gate.hook);
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.dial(hub.port)));
      for (const client of clients) client.write(handshakeRequest(hub.port));
      await gate.until(20);
      // The engine ends its side once it knows, and has told by then.
      for (const client of clients) client.socket.end();
      await Promise.all(clients.map(({ ended }) => ended));
      gate.release(result);
      const last = WsClient.connect(hub.wsUrl);
      await gate.until(1);
      gate.release();
      expect(await (await last).ask('path')).toBe("'/ws'");
      expect(hub.stats().connections).toMatchObject({ opened: 1, open: 1 });
      expect(counted(hub.stats().rejected)).toEqual({});
      expect(log).toEqual([]);
    },
  );

  test('1000 may wait; one more is refused; a place is free again when one has settled', async () => {
    const gate = new Gate();
    const { hub } = await startWith(gate.hook, { upgradeTimeoutMs: 600_000 });
    const clients = await Promise.all(Array.from({ length: 1000 }, () => dial(hub.port)));
    for (const { socket } of clients) socket.write(handshakeRequest(hub.port));
    await gate.until(1000);
    const refused = await tryHandshake(hub.port);
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(counted(hub.stats().rejected)).toEqual({ 'max-pending-upgrades': 1 });
    gate.release();
    const responses = await Promise.all(clients.map(({ reader }) => readResponse(reader)));
    expect(responses.every(({ status }) => status === 101)).toBe(true);
    expect(hub.stats().connections.open).toBe(1000);
    const next = WsClient.connect(hub.wsUrl);
    await gate.until(1);
    gate.release();
    await next;
  });

  test('lets in without a warning of the engine, the first one too', async () => {
    const program = `
      import { setTimeout as later } from 'node:timers/promises';
      import { createHub } from 'shardhub';
      const upgrade = () => later(2, { headers: { 'X-A': 'b', 'X-C': 'd' } });
      const hub = await createHub({ port: 0, workers: 0, logLevel: 'silent', upgrade });
      console.log('shardhub listening: ' + hub.wsUrl);
      process.once('SIGTERM', () => hub.close());
    `;
    const args = ['--input-type=module', '--eval', program];
    const command = new Command(args, { binary: process.execPath });
    await until('the hub', () => command.stdout.endsWith('\n'));
    const wsUrl = command.stdout.trim().split(': ')[1]!;
    const first = await WsClient.connect(wsUrl);
    await first.close();
    const clients = await connectMany(wsUrl, 20);
    for (const client of clients) expect(await client.ask('x')).toBe('x');
    command.kill('SIGTERM');
    for (const client of clients) expect((await client.closed).code).toBe(1001);
    const { code, stderr } = await command.exited;
    expect(code).toBe(0);
    expect(stderr).toBe('');
  });

  test('is asked again whether there is room', async () => {
    const gate = new Gate();
    const { hub } = await startWith(gate.hook, { maxConnections: 1 });
    const both = [tryHandshake(hub.port), tryHandshake(hub.port)];
    await gate.until(2);
    gate.release();
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([101, 503]);
    expect(counted(hub.stats().rejected)).toEqual({ 'max-connections': 1 });
  });

  test.each<[string, (close: () => void) => HubOptions]>([
    ['upgrade', (close) => ({ upgrade: () => close() })],
    ['upgrade, before it waits', (close) => ({ upgrade: async () => close() })],
    ['affinity', (close) => ({ affinity: () => String(close()) })],
    ['origins', (close) => ({ origins: () => close() === undefined })],
  ])('is refused when the application closes the hub in %s', async (_, options) => {
    let closed: Promise<void> | undefined;
    const { hub } = await startHub({
      workers: 0,
      ...options(() => {
        closed = hub.close();
      }),
    });
    const opened = vi.fn();
    hub.on('open', opened);
    const answer = await tryHandshake(hub.port, { headers: { origin: `http://127.0.0.1:${hub.port}` } });
    expect(answer.status).toBe(503);
    await closed;
    expect(opened).not.toHaveBeenCalled();
    expect(counted(hub.stats().rejected)).toEqual({ draining: 1 });
  });

  test('is answered by a hub that closes, which does not wait for it', async () => {
    const gate = new Gate();
    const { hub } = await startWith(gate.hook, { upgradeTimeoutMs: 600_000 });
    const { socket, reader } = await dial(hub.port);
    socket.write(handshakeRequest(hub.port));
    await gate.until(1);
    const closed = hub.close();
    expect((await readResponse(reader)).status).toBe(503);
    await closed;
    gate.release();
    expect(counted(hub.stats().rejected)).toEqual({ draining: 1 });
  });
});
