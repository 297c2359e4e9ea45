/** Bad frames and silence: each ends its own connection as documented, is counted, and never harms another. */
import { describe, expect, test } from 'vitest';
import { handshakeRequest, RawClient } from '../../support/clients/raw-client.js';
import { byEngine } from '../../support/engines/under-test.mjs';
import { endsWith, startWithBystander } from '../../support/faults/bad-input.js';
import { closePayload, encodeFrame, type FrameInput, Opcode } from '../../support/protocol/frames.js';
import { until } from '../../support/until.js';

const { Binary, Close, Continuation, Ping, Text } = Opcode;

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
  ])('%s', (_name, frames) =>
    endsWith(frames, { code: byEngine({ uws: 1006, node: 1007 }), invalid: { 'invalid-utf8': 1 } }),
  );

  test('but a character may be cut between fragments, and a binary may hold anything', async () => {
    const { raw } = await startWithBystander();
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
  ])('%s', (_name, frames) =>
    endsWith(frames, { code: byEngine({ uws: 1006, node: 1002 }), invalid: { 'protocol-error': 1 } }),
  );

  // A body of one byte is no code: engine uws takes it for a close without one, as it answers all of them.
  test.each<[string, Buffer, closedAs: { uws: number; node: number }, isTakenBy?: 'uws' | 'node']>([
    ['of one byte', Buffer.from([3]), { uws: 1005, node: 1002 }, 'uws'],
    ['with a code that may not be sent', closePayload(1005), { uws: 1006, node: 1002 }],
    ['with a reason that is not UTF-8', closePayload(1000, Buffer.from([0xff])), { uws: 1006, node: 1007 }],
    ['with a private code', closePayload(3333, 'bye'), { uws: 1006, node: 3333 }, 'node'],
  ])('a close %s ends its connection only', (_name, payload, closedAs, isTakenBy) =>
    endsWith([{ opcode: Close, payload }], {
      code: byEngine({ uws: 1005, node: closedAs.node }),
      closedAs: byEngine(closedAs),
      invalid: isTakenBy === byEngine({ uws: 'uws', node: 'node' }) ? {} : { 'close-payload': 1 },
    }),
  );

  test('a control frame inside a fragmented text is fine', async () => {
    const { raw } = await startWithBystander();
    raw.frame({ opcode: Text, fin: false, payload: 'one ' });
    raw.frame({ opcode: Ping, payload: 'p' });
    raw.frame({ opcode: Continuation, payload: 'two' });
    expect(await raw.nextFrame()).toMatchObject({ opcode: Opcode.Pong, payload: Buffer.from('p') });
    expect(await raw.nextFrame()).toMatchObject({ opcode: Text, payload: Buffer.from('one two') });
  });
});

test('a message that arrives byte by byte is one message', async () => {
  const { raw } = await startWithBystander();
  await raw.writeByteByByte(encodeFrame({ opcode: Text, payload: 'slowly, slowly ✓' }));
  expect((await raw.nextFrame())?.payload.toString()).toBe('slowly, slowly ✓');
});

test('a peer that resets its connection is gone at once', async () => {
  const { hub, bystander, raw } = await startWithBystander();
  raw.text('hello');
  await raw.nextFrame();
  raw.write(encodeFrame({ opcode: Text, payload: 'cut off' }).subarray(0, 8));
  raw.socket.resetAndDestroy();
  await until('the connection to be gone', () => hub.stats().connections.open === 1);
  expect(hub.stats().connections.closed).toMatchObject({ 1006: 1 });
  expect(await bystander.ask('unharmed')).toBe('unharmed');
});

test('silence is cut: no handshake, half a handshake, an unmasked frame, a peer that vanished', async () => {
  const { hub, bystander, raw: vanished } = await startWithBystander();
  const silent = await RawClient.dial(hub.port);
  const half = await RawClient.dial(hub.port);
  half.write(handshakeRequest(hub.port).slice(0, 60));
  // Engine uws does not refuse a frame without a mask; it waits for the rest of a masked one.
  const unmasked = await RawClient.open(hub.port);
  unmasked.frame({ opcode: Text, mask: false, payload: 'no mask' });
  // Neither reads nor writes any more, and its socket stays open: like a peer whose network is gone.
  vanished.pause();
  expect(hub.stats().connections.open).toBe(3);
  await Promise.all([silent.ended, half.ended]);
  expect((await unmasked.readToEnd()).code).toBe(byEngine({ uws: 1006, node: 1002 }));
  await until('the vanished peer to be gone', () => hub.stats().connections.open === 1);
  expect(hub.stats().connections).toMatchObject(
    byEngine({
      uws: { closed: { 1006: 2 }, timedOut: 2 },
      node: { closed: { 1002: 1, 1006: 1 }, timedOut: 1 },
    }),
  );
  expect(hub.stats().messages.received).toBe(0);
  expect(await bystander.ask('unharmed')).toBe('unharmed');
});
