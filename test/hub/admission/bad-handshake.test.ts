/** Requests that are refused: status, headers, one clear sentence, a counter, and no harm to anyone else. */
import type { HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import {
  type HandshakeInput,
  handshakeRequest,
  RawClient,
  tryHandshake,
} from '../../support/clients/raw-client.js';
import { dial, type RawResponse, rawRequest, readResponse } from '../../support/clients/raw-http.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { counted } from '../../support/counters.js';
import { startHub } from '../../support/servers/hubs.js';

/** Checks that a request is refused as expected, and counted under `reason` alone. */
async function refused(
  ask: (port: number) => Promise<RawResponse>,
  expected: { status: number; reason: string; headers?: Record<string, string> },
  options: HubOptions = {},
): Promise<void> {
  const { hub } = await startHub(options);
  const bystander = await WsClient.connect(hub.wsUrl);
  const { status, headers, body } = await ask(hub.port);
  expect(status).toBe(expected.status);
  expect(headers).toMatchObject({
    'content-type': expect.stringMatching(/^text\/plain/),
    ...expected.headers,
  });
  expect(body.trim()).toMatch(/^\S+ .*\S$/);
  expect(counted(hub.stats().rejected)).toEqual({ [expected.reason]: 1 });
  expect(await bystander.ask('unharmed')).toBe('unharmed');
  expect(hub.stats().connections).toMatchObject({ open: 1, opened: 1 });
}

const get =
  (line: string, body = '') =>
  (port: number) =>
    rawRequest(
      port,
      `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );

describe('requests', () => {
  test.each<[string, number, string, Record<string, string>]>([
    ['GET /ws', 426, 'not-a-websocket', { upgrade: 'websocket' }],
    ['GET /nowhere', 404, 'not-found', {}],
    ['GET /', 404, 'not-found', {}],
    ['GET /ws/', 404, 'not-found', {}],
    ['POST /nowhere', 404, 'not-found', {}],
    ['DELETE /ws', 405, 'bad-method', { allow: 'GET, HEAD' }],
    ['POST /healthz', 405, 'bad-method', { allow: 'GET, HEAD' }],
    ['PUT /readyz', 405, 'bad-method', { allow: 'GET, HEAD' }],
    ['DELETE /stats', 405, 'bad-method', { allow: 'GET, HEAD' }],
    ['GET /echo', 405, 'bad-method', { allow: 'POST' }],
  ])('%s is a %i', (line, status, reason, headers) => refused(get(line), { status, reason, headers }));

  test('POST /echo over maxPayload is a 413', () =>
    refused(get('POST /echo', 'x'.repeat(101)), { status: 413, reason: 'too-large' }, { maxPayload: 100 }));

  test('POST /echo over maxPayload in chunks is a 413', async () => {
    const chunk = `40\r\n${'x'.repeat(64)}\r\n`;
    const request = `POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`;
    await refused(
      (port) => rawRequest(port, request),
      { status: 413, reason: 'too-large' },
      { maxPayload: 100 },
    );
  });
});

describe('handshakes', () => {
  const own = (port: number) => `http://127.0.0.1:${port}`;

  test.each<[string, HandshakeInput, { status: number; reason: string; headers?: Record<string, string> }]>([
    [
      'a wrong version',
      { headers: { 'sec-websocket-version': '12' } },
      { status: 426, reason: 'bad-version', headers: { 'sec-websocket-version': '13' } },
    ],
    [
      'no version',
      { headers: { 'sec-websocket-version': undefined } },
      { status: 426, reason: 'bad-version', headers: { 'sec-websocket-version': '13' } },
    ],
    [
      'a foreign origin',
      { headers: { origin: 'https://evil.example' } },
      { status: 403, reason: 'bad-origin' },
    ],
    ['an opaque origin', { headers: { origin: 'null' } }, { status: 403, reason: 'bad-origin' }],
    [
      'an origin that only starts alike',
      { headers: { origin: 'http://127.0.0.1' } },
      { status: 403, reason: 'bad-origin' },
    ],
    ['a short key', { headers: { 'sec-websocket-key': 'c2hvcnQ=' } }, { status: 400, reason: 'bad-key' }],
    ['no key', { headers: { 'sec-websocket-key': undefined } }, { status: 400, reason: 'bad-key' }],
    [
      'a key that is not base64',
      { headers: { 'sec-websocket-key': '!'.repeat(24) } },
      { status: 400, reason: 'bad-key' },
    ],
    ['an unknown path', { path: '/nowhere' }, { status: 404, reason: 'not-found' }],
    ['a path that only starts alike', { path: '/wss' }, { status: 404, reason: 'not-found' }],
    ['a wrong method', { method: 'POST' }, { status: 405, reason: 'bad-method' }],
  ])('%s', (_name, input, expected) => refused((port) => tryHandshake(port, input), expected));

  test.each<[number, string, Record<string, string | undefined>[]]>([
    [
      426,
      'not-a-websocket',
      [
        ...[undefined, '', 'h2c', 'websocket/13', 'websockets', 'web socket'].map((upgrade) => ({ upgrade })),
        ...[undefined, '', 'keep-alive', 'upgrades', 'keep-alive upgrade'].map((connection) => ({
          connection,
        })),
      ],
    ],
    [
      400,
      'bad-request',
      [
        ...['', 'a b', 'a/b', 'u@a', 'a:99999', 'a\r\nHost: b'].map((host) => ({ host })),
        ...['1', '10', '0\r\nContent-Length: 5'].map((length) => ({ 'content-length': length })),
        { 'transfer-encoding': 'chunked' },
        { 'transfer-encoding': 'identity' },
      ],
    ],
  ])('headers that make it none are a %i (%s)', async (status, reason, sweep) => {
    const { hub } = await startHub({ workers: 0 });
    for (const headers of sweep) {
      const answer = await tryHandshake(hub.port, { headers });
      expect(answer, JSON.stringify(headers)).toMatchObject({
        status,
        body: expect.stringMatching(/^\S+ .*\S\n$/),
      });
      if (status === 426)
        expect(answer.headers).toMatchObject({ upgrade: 'websocket', 'sec-websocket-version': '13' });
    }
    expect(counted(hub.stats().rejected)).toEqual({ [reason]: sweep.length });
    // The engine says so itself.
    expect((await tryHandshake(hub.port, { headers: { host: undefined } })).status).toBe(400);
  });

  test.each<[string, HandshakeInput['headers']]>([
    ['words in another case', { upgrade: 'WebSocket', connection: 'UPGRADE' }],
    ['lists', { upgrade: 'foo, websocket', connection: 'keep-alive, Upgrade' }],
    ['lists without spaces', { upgrade: 'websocket,foo', connection: 'Upgrade,keep-alive' }],
    [
      'repeated lines',
      { upgrade: 'foo\r\nUpgrade: websocket', connection: 'keep-alive\r\nConnection: Upgrade' },
    ],
    ['a body of nothing', { 'content-length': '0' }],
    ['an address for a host', { host: '[::1]:80' }],
  ])('%s: gets in', async (_name, headers) => {
    const { hub } = await startHub({ workers: 0 });
    const client = await RawClient.open(hub.port, { headers });
    client.text('hello');
    expect((await client.nextFrame())?.payload.toString()).toBe('hello');
  });

  test.each<[string, HubOptions['origins'], (port: number) => string | undefined]>([
    ['no origin', undefined, () => undefined],
    ['the same origin', undefined, own],
    ['any origin with "*"', '*', () => 'https://anyone.example'],
    ['a listed origin', ['https://a.example', 'https://b.example:8443'], () => 'https://b.example:8443'],
    ['no origin beside a list', ['https://a.example'], () => undefined],
  ])('%s gets in', async (_name, origins, origin) => {
    const { hub } = await startHub({ origins });
    const client = await RawClient.open(hub.port, { headers: { origin: origin(hub.port) } });
    client.text('hello');
    expect((await client.nextFrame())?.payload.toString()).toBe('hello');
  });

  test.each([(port: number) => own(port), () => 'https://a.example.evil.example', () => 'http://a.example'])(
    'an origin that is not on the list is refused (%#)',
    async (origin) => {
      const options = { origins: ['https://a.example'] };
      const ask = (port: number) => tryHandshake(port, { headers: { origin: origin(port) } });
      await refused(ask, { status: 403, reason: 'bad-origin' }, options);
    },
  );

  test('a path of one’s own', async () => {
    const { hub } = await startHub({ path: '/deep/path' });
    expect(hub.wsUrl).toBe(`ws://127.0.0.1:${hub.port}/deep/path`);
    expect(await (await WsClient.connect(hub.wsUrl)).ask('hi')).toBe('hi');
    expect((await tryHandshake(hub.port)).status).toBe(404);
  });
});

/** A proxy may pass on whatever its client sends as soon as it has seen a handshake: it would reach the hub as the proxy's. */
describe('the connection of what asks for a WebSocket and gets none is closed', () => {
  const later = (result: unknown) => new Promise((resolve) => setImmediate(resolve, result));
  const never = () => new Promise(() => {});
  const secret = 'GET /stats HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

  test.each<[string, number, HandshakeInput, HubOptions]>([
    ['no Connection: Upgrade', 426, { headers: { connection: undefined } }, {}],
    ['a wrong version', 426, { headers: { 'sec-websocket-version': '12' } }, {}],
    ['a bad key', 400, { headers: { 'sec-websocket-key': 'x' } }, {}],
    ['a body', 400, { headers: { 'content-length': '5' } }, {}],
    ['a foreign origin', 403, { headers: { origin: 'https://evil.example' } }, {}],
    ['another path', 404, { path: '/nowhere' }, {}],
    ['another path, of the hub’s own', 200, { path: '/healthz' }, {}],
    [
      'an empty line of it first',
      200,
      { path: '/healthz', headers: { upgrade: '\r\nUpgrade: websocket' } },
      {},
    ],
    ['another method', 405, { method: 'POST' }, {}],
    ['POST /echo', 200, { method: 'POST', path: '/echo', headers: { 'content-length': '0' } }, {}],
    ['a word like it', 426, { headers: { upgrade: 'x\r\nUpgrade: x-WebSocket' } }, {}],
    ['too many connections', 503, {}, { maxConnections: 1 }],
    ['the hook says so', 418, {}, { upgrade: () => ({ reject: 418 }) }],
    ['the hook says so later', 418, {}, { upgrade: async () => later({ reject: 418 }) as never }],
    ['the hook throws', 500, {}, { upgrade: () => JSON.parse('no') }],
    ['the hook takes too long', 503, {}, { upgrade: never as never, upgradeTimeoutMs: 1 }],
  ])('%s', async (_name, status, input, options) => {
    const { hub } = await startHub({ workers: 0, ...options });
    if (options.maxConnections === 1) await RawClient.open(hub.port);
    const request = handshakeRequest(hub.port, input);

    const [one, { socket, reader }] = await Promise.all([dial(hub.port), dial(hub.port)]);
    socket.write(request);
    const answer = await readResponse(reader);
    expect(answer.status).toBe(status);
    expect(answer.headers.connection).toBe('close');
    socket.write(secret);
    expect((await reader.takeRest()).toString()).toBe('');

    one.socket.write(request + secret);
    const rest = (await one.reader.takeRest()).toString();
    expect(rest.match(/^HTTP/gm)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(rest).not.toContain('"state"');
    expect(hub.stats().connections.open).toBe(options.maxConnections ?? 0);
  });

  test('whatever is no handshake keeps its connection', async () => {
    const { hub } = await startHub({ workers: 0 });
    const { socket, reader } = await dial(hub.port);
    for (const headers of ['', 'Upgrade: h2c\r\n']) {
      socket.write(`GET /ws HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
      expect((await readResponse(reader)).status).toBe(426);
    }
  });
});
