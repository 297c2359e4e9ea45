/** permessage-deflate (RFC 7692): what is compressed, and that it comes back whole. A bomb is in compression-bomb.full.test.ts. */
import { randomBytes } from 'node:crypto';
import type { HubOptions } from 'shardhub';
import { WebSocket as Undici } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RawClient, tryHandshake } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { counted } from '../../support/counters.js';
import { byEngine } from '../../support/engines/under-test.mjs';
import { Opcode } from '../../support/protocol/frames.js';
import { startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const OFFER = { headers: { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' } };
const start = (options: HubOptions) => startHub({ workers: 1, ...options });
const ON = [['shared'], ['dedicated']] as const;

test('is off unless asked for', async () => {
  const { hub } = await startHub({ workers: 0 });
  expect((await tryHandshake(hub.port, OFFER)).headers).not.toHaveProperty('sec-websocket-extensions');
});

describe.each(ON)('%s', (compression) => {
  test('is agreed on with clients that offer it, and only with them', async () => {
    const { hub } = await start({ compression });
    const { headers } = await tryHandshake(hub.port, OFFER);
    expect(headers['sec-websocket-extensions']).toMatch(/^permessage-deflate/);
    expect((await tryHandshake(hub.port)).headers).not.toHaveProperty('sec-websocket-extensions');
    const plain = await WsClient.connect(hub.wsUrl);
    expect(await plain.ask('x'.repeat(5000))).toBe('x'.repeat(5000));
  });

  test.each([0, 1, 1023, 1024, 1025, 70_000, 900_000])(
    'echoes %i bytes whole, one way or the other',
    async (size) => {
      const { hub } = await start({ compression });
      const client = await WsClient.connect(hub.wsUrl, { perMessageDeflate: { threshold: 0 } });
      expect(client.socket.extensions).toMatch(/permessage-deflate/);
      for (const data of ['a'.repeat(size), randomBytes(size)]) {
        client.send(data);
        client.send(data);
        for (const { data: echo } of await client.collect(2))
          expect(echo.equals(Buffer.from(data))).toBe(true);
      }
    },
  );

  test.each([
    [undefined, 1023, false],
    [undefined, 1024, true],
    [10, 9, false],
    [10, 10, true],
    [0, 1, true],
  ])(
    'compressionMinBytes %s: %i bytes are compressed: %s',
    async (compressionMinBytes, size, isCompressed) => {
      const { hub } = await start({ compression, compressionMinBytes });
      const client = await RawClient.open(hub.port, OFFER);
      client.text('z'.repeat(size));
      const frame = await client.nextFrame();
      expect(frame?.rsv).toBe(isCompressed ? 4 : 0);
      if (isCompressed && size > 100) expect(frame!.payload.length).toBeLessThan(size / 4);
    },
  );

  test('works with a browser’s WebSocket', async () => {
    const { hub } = await start({ compression });
    const socket = new Undici(hub.wsUrl);
    onTestFinished(() => socket.close());
    const text = 'compress me '.repeat(1000);
    const echo = await new Promise((resolve, reject) => {
      socket.onerror = reject;
      socket.onopen = () => socket.send(text);
      socket.onmessage = ({ data }) => resolve(data);
    });
    expect(socket.extensions).toMatch(/permessage-deflate/);
    expect(echo).toBe(text);
  });

  test('maxPayload counts what was compressed at its full size', async () => {
    const { hub } = await start({ compression, maxPayload: 10_000 });
    const client = await WsClient.connect(hub.wsUrl, { perMessageDeflate: { threshold: 0 } });
    expect(await client.ask('x'.repeat(10_000))).toHaveLength(10_000);
    client.send('x'.repeat(10_001));
    expect((await client.closed).code).toBe(1009);
    expect(counted(hub.stats().invalid)).toEqual({ 'too-large': 1 });
  });

  test('what is no deflate stream ends its connection', async () => {
    const { hub } = await start({ compression });
    const client = await RawClient.open(hub.port, OFFER);
    // A block of type 3: there is none (RFC 1951 §3.2.3).
    client.frame({ opcode: Opcode.Binary, rsv: 4, payload: Buffer.alloc(1000, 0xff) });
    expect((await client.readToEnd()).code).toBe(byEngine({ uws: 1006, node: 1007 }));
    await until('the hub to know', () => hub.stats().connections.open === 0);
    expect(counted(hub.stats().invalid)).toEqual({
      [byEngine({ uws: 'too-large', node: 'protocol-error' })]: 1,
    });
  });

  test('large replies to a client that reads late come whole and in order', async () => {
    const { hub } = await start({ compression });
    const client = await WsClient.connect(hub.wsUrl, { perMessageDeflate: { threshold: 0 } });
    // Noise does not get smaller: it fills the kernel's buffers, and the rest waits in the hub.
    const messages = Array.from({ length: 100 }, () => randomBytes(100_000));
    client.socket.pause();
    for (const message of messages) client.send(message);
    await until('replies that wait', () => hub.stats().outbound.queuedMessages > 0);
    client.socket.resume();
    const echoes = await client.collect(messages.length);
    expect(echoes.every(({ data }, i) => data.equals(messages[i]!))).toBe(true);
  });
});

test.each([
  [150, 'dedicated'],
  // What engine uws keeps for each connection is shorter than that.
  [8000, byEngine({ uws: 'shared', node: 'dedicated' })],
])('of messages of %i bytes that are alike, %s makes the smallest', async (size, best) => {
  const lengths = new Map<string, number>();
  for (const [compression] of ON) {
    const { hub } = await start({ compression, compressionMinBytes: 0 });
    const client = await RawClient.open(hub.port, OFFER);
    let last = 0;
    for (let round = 0; round < 3; round++) {
      const quotes = Array.from({ length: 150 }, (_, i) => ({
        quote: 'ABC',
        at: 17 * i + round,
        price: i * 3.1,
      }));
      client.text(JSON.stringify(quotes).slice(0, size));
      last = (await client.nextFrame())!.payload.length;
    }
    lengths.set(compression, last);
  }
  const smallest = Math.min(...lengths.values());
  expect(lengths.get(best)).toBe(smallest);
  expect(new Set(lengths.values()).size).toBe(2);
});
