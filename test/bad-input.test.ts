/** Bad frames and silence: each ends its own connection as documented, is counted, and never harms another. */
import type { HubStats } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { closePayload, encodeFrame, type FrameInput, Opcode } from './support/frames.js';
import { startHub, type TestHub } from './support/hubs.js';
import { handshakeRequest, RawClient } from './support/raw-client.js';
import { until } from './support/until.js';
import { WsClient } from './support/ws-client.js';

const { Binary, Close, Continuation, Ping, Text } = Opcode;
const MAX = 1000;

async function start(): Promise<TestHub & { bystander: WsClient; raw: RawClient }> {
  const running = await startHub({ maxPayload: MAX, idleTimeout: 8 });
  const bystander = await WsClient.connect(running.hub.wsUrl);
  return { ...running, bystander, raw: await RawClient.open(running.hub.port) };
}

/** Sends frames that end the connection, and checks what both sides make of it. */
async function endsWith(
  frames: FrameInput[],
  expected: { code: number; invalid: Partial<HubStats['invalid']>; closedAs?: number },
): Promise<void> {
  const { hub, bystander, raw } = await start();
  raw.write(Buffer.concat(frames.map(encodeFrame)));
  const { code, frames: replies } = await raw.readToEnd();
  expect({ code, replies }).toEqual({ code: expected.code, replies: [] });
  if (code !== 1006) raw.close(code);
  await until('the connection to be counted', () => hub.stats().connections.open === 1);
  const { invalid, connections } = hub.stats();
  expect(invalid).toEqual({ 'too-large': 0, 'invalid-utf8': 0, 'protocol-error': 0, ...expected.invalid });
  expect(connections.closed).toMatchObject({ [expected.closedAs ?? expected.code]: 1 });
  expect(await bystander.ask('unharmed')).toBe('unharmed');
}

describe('a message over maxPayload', () => {
  const tooLarge = { 'too-large': 1 };
  test.each<[string, number, FrameInput[]]>([
    ['by a byte: 1009', 1009, [{ opcode: Binary, payload: Buffer.alloc(MAX + 1) }]],
    ['up to twice: 1009', 1009, [{ opcode: Text, payload: 'x'.repeat(2 * MAX) }]],
    [
      'in fragments: 1009',
      1009,
      [
        { opcode: Binary, fin: false, payload: Buffer.alloc(MAX) },
        { opcode: Continuation, payload: Buffer.alloc(1) },
      ],
    ],
    [
      'more than twice: ended by the engine',
      1006,
      [{ opcode: Binary, payload: Buffer.alloc(2 * MAX + 100) }],
    ],
    ['claimed to be huge', 1006, [{ opcode: Binary, payload: 'few bytes', claimedLength: 2 ** 40 }]],
  ])('%s', (_name, code, frames) => endsWith(frames, { code, invalid: tooLarge }));

  test('and one of exactly maxPayload is echoed', async () => {
    const { hub, raw } = await start();
    raw.binary(Buffer.alloc(MAX, 5));
    expect((await raw.nextFrame())?.payload).toEqual(Buffer.alloc(MAX, 5));
    expect(hub.stats().invalid['too-large']).toBe(0);
  });
});

describe('invalid UTF-8 in a text', () => {
  test.each<[string, FrameInput[]]>([
    ['a bad byte', [{ opcode: Text, payload: Buffer.from([0x61, 0xff]) }]],
    ['a cut character', [{ opcode: Text, payload: Buffer.from('é').subarray(0, 1) }]],
    ['an overlong form', [{ opcode: Text, payload: Buffer.from([0xc0, 0xaf]) }]],
    ['a surrogate', [{ opcode: Text, payload: Buffer.from([0xed, 0xa0, 0x80]) }]],
    [
      'over two fragments',
      [
        { opcode: Text, fin: false, payload: Buffer.from([0xe2, 0x82]) },
        { opcode: Continuation, payload: Buffer.from([0x41]) },
      ],
    ],
  ])('%s', (_name, frames) => endsWith(frames, { code: 1006, invalid: { 'invalid-utf8': 1 } }));

  test('but a character may be cut between fragments, and a binary may hold anything', async () => {
    const { raw } = await start();
    raw.frame({ opcode: Text, fin: false, payload: Buffer.from([0xe2, 0x82]) });
    raw.frame({ opcode: Continuation, payload: Buffer.from([0xac]) });
    expect(await raw.nextFrame()).toMatchObject({ opcode: Text, fin: true, payload: Buffer.from('€') });
    raw.binary(Buffer.from([0xff, 0xc0]));
    expect(await raw.nextFrame()).toMatchObject({ opcode: Binary, payload: Buffer.from([0xff, 0xc0]) });
  });
});

describe('a frame that breaks the protocol', () => {
  test.each<[string, FrameInput[]]>([
    ['RSV1 without compression', [{ opcode: Text, rsv: 4, payload: 'x' }]],
    ['RSV2', [{ opcode: Text, rsv: 2, payload: 'x' }]],
    ['RSV3', [{ opcode: Binary, rsv: 1, payload: 'x' }]],
    ['reserved data opcode 3', [{ opcode: 3, payload: 'x' }]],
    ['reserved control opcode 11', [{ opcode: 11, payload: 'x' }]],
    ['a ping in fragments', [{ opcode: Ping, fin: false, payload: 'x' }]],
    ['a ping of 126 bytes', [{ opcode: Ping, payload: 'x'.repeat(126) }]],
    ['a continuation of nothing', [{ opcode: Continuation, payload: 'x' }]],
    [
      'a text inside a text',
      [
        { opcode: Text, fin: false, payload: 'x' },
        { opcode: Text, payload: 'y' },
      ],
    ],
  ])('%s', (_name, frames) => endsWith(frames, { code: 1006, invalid: { 'protocol-error': 1 } }));

  test.each<[string, Buffer]>([
    ['of one byte', Buffer.from([3])],
    ['with a code that may not be sent', closePayload(1005)],
    ['with a reason that is not UTF-8', closePayload(1000, Buffer.from([0xff]))],
    ['with a private code', closePayload(3333, 'bye')],
  ])('a close %s ends its connection only', async (_name, payload) => {
    const { hub, bystander, raw } = await start();
    raw.frame({ opcode: Close, payload });
    expect((await raw.readToEnd()).frames).toEqual([]);
    await until('the connection to be gone', () => hub.stats().connections.open === 1);
    expect(await bystander.ask('unharmed')).toBe('unharmed');
  });

  test('a control frame inside a fragmented text is fine', async () => {
    const { raw } = await start();
    raw.frame({ opcode: Text, fin: false, payload: 'one ' });
    raw.frame({ opcode: Ping, payload: 'p' });
    raw.frame({ opcode: Continuation, payload: 'two' });
    expect(await raw.nextFrame()).toMatchObject({ opcode: Opcode.Pong, payload: Buffer.from('p') });
    expect(await raw.nextFrame()).toMatchObject({ opcode: Text, payload: Buffer.from('one two') });
  });
});

test('a message that arrives byte by byte is one message', async () => {
  const { raw } = await start();
  await raw.writeByteByByte(encodeFrame({ opcode: Text, payload: 'slowly, slowly ✓' }));
  expect((await raw.nextFrame())?.payload.toString()).toBe('slowly, slowly ✓');
});

test('a peer that resets its connection is gone at once', async () => {
  const { hub, bystander, raw } = await start();
  raw.text('hello');
  await raw.nextFrame();
  raw.write(encodeFrame({ opcode: Text, payload: 'cut off' }).subarray(0, 8));
  raw.socket.resetAndDestroy();
  await until('the connection to be gone', () => hub.stats().connections.open === 1);
  expect(hub.stats().connections.closed).toMatchObject({ 1006: 1 });
  expect(await bystander.ask('unharmed')).toBe('unharmed');
});

test('silence is cut: no handshake, half a handshake, an unmasked frame, a peer that vanished', async () => {
  const { hub, bystander, raw: vanished } = await start();
  const silent = await RawClient.dial(hub.port);
  const half = await RawClient.dial(hub.port);
  half.write(handshakeRequest(hub.port).slice(0, 60));
  // The engine does not refuse a frame without a mask; it waits for the rest of a masked one.
  const unmasked = await RawClient.open(hub.port);
  unmasked.frame({ opcode: Text, mask: false, payload: 'no mask' });
  // Neither reads nor writes any more, and its socket stays open: like a peer whose network is gone.
  vanished.pause();
  expect(hub.stats().connections.open).toBe(3);
  await Promise.all([silent.ended, half.ended]);
  expect((await unmasked.readToEnd()).code).toBe(1006);
  await until('the vanished peer to be gone', () => hub.stats().connections.open === 1);
  expect(hub.stats().connections.closed).toMatchObject({ 1006: 2 });
  expect(hub.stats().messages.received).toBe(0);
  expect(await bystander.ask('unharmed')).toBe('unharmed');
});
