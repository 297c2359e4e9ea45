/** Requests that are refused: status, headers, one clear sentence, a counter, and no harm to anyone else. */
import type { HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { counted } from './support/counters.js';
import { startHub } from './support/hubs.js';
import { type HandshakeInput, RawClient, tryHandshake } from './support/raw-client.js';
import { type RawResponse, rawRequest } from './support/raw-http.js';
import { WsClient } from './support/ws-client.js';

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
