/** The option `subprotocols` (RFC 6455 §4.2.2), with clients that are not ours. */
import { type HubOptions, resolveOptions } from 'shardhub';
import { WebSocket as Undici } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { tryHandshake } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';

const start = (options: HubOptions = {}) =>
  startHub({ workers: 1, handler: fixture('handshake.mjs'), subprotocols: ['v2', 'v1'], ...options });

test.each([
  [['v1', 'v2'], 'v2'],
  [['v1'], 'v1'],
  [['other', 'v1'], 'v1'],
])('of %j the server prefers %s, and the handler knows', async (protocols, chosen) => {
  const { hub } = await start();
  const client = await WsClient.connect(hub.wsUrl, { protocols });
  expect(client.socket.protocol).toBe(chosen);
  expect(await client.ask('subprotocol')).toBe(`'${chosen}'`);
});

test.each<[string, string | undefined]>([
  ['none in common', 'v3, V2'],
  ['none offered', undefined],
])('%s: let in without one', async (_, offered) => {
  const { hub } = await start();
  const response = await tryHandshake(hub.port, { headers: { 'sec-websocket-protocol': offered } });
  expect(response.status).toBe(101);
  expect(response.headers).not.toHaveProperty('sec-websocket-protocol');
});

test('two headers are one offer', async () => {
  const { hub } = await start();
  const headers = { 'sec-websocket-protocol': 'v9\r\nSec-WebSocket-Protocol: v1' };
  const response = await tryHandshake(hub.port, { headers });
  expect(response.headers['sec-websocket-protocol']).toBe('v1');
});

test('a browser’s WebSocket gets the one that was chosen', async () => {
  const { hub } = await start();
  const socket = new Undici(hub.wsUrl, ['v1', 'v2']);
  onTestFinished(() => socket.close());
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  expect(socket.protocol).toBe('v2');
});

test('what the upgrade hook chooses goes before the list', async () => {
  const { hub } = await start({ upgrade: () => ({ subprotocol: 'v1' }) });
  expect((await WsClient.connect(hub.wsUrl, { protocols: ['v2', 'v1'] })).socket.protocol).toBe('v1');
});

test('a hook that chooses none leaves the choice to the list', async () => {
  const { hub } = await start({ upgrade: async () => ({ data: 1 }) });
  expect((await WsClient.connect(hub.wsUrl, { protocols: ['v1'] })).socket.protocol).toBe('v1');
});

test.each([[['a b']], [['']], [['a,b']], ['v1'], [[7]]])('the list %j is refused', (subprotocols) => {
  expect(() => resolveOptions({ subprotocols } as never)).toThrow(/option "subprotocols" got .*tokens/);
});
