/** permessage-deflate of engine `node`: what is agreed to, and what becomes of messages (RFC 7692). */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Deflate } from '../../../../src/hub/engine/node/deflate.js';
import { agreeOnDeflate, type DeflateAgreement } from '../../../../src/hub/engine/node/deflate-agreement.js';
import { readPieces } from '../../../support/protocol/frame-events.js';
import { encodeFrame, Opcode } from '../../../support/protocol/frames.js';

const PMD = 'permessage-deflate';
const agreed = (offer: string, mode: 'shared' | 'dedicated'): DeflateAgreement =>
  agreeOnDeflate(offer, mode)!;

describe('what is agreed to', () => {
  test.each([
    ['', 'shared', undefined],
    ['x-webkit-deflate-frame', 'shared', undefined],
    [`${PMD}; server_max_window_bits=8`, 'shared', undefined],
    [`${PMD}; server_max_window_bits=16`, 'shared', undefined],
    [PMD, 'shared', 'server_no_context_takeover; client_no_context_takeover'],
    [PMD, 'dedicated', 'client_no_context_takeover'],
    [`${PMD}; client_max_window_bits`, 'dedicated', 'client_max_window_bits=13'],
    [`${PMD}; client_max_window_bits=10`, 'dedicated', 'client_max_window_bits=10'],
    [
      `${PMD}; server_no_context_takeover; client_no_context_takeover; client_max_window_bits`,
      'dedicated',
      'server_no_context_takeover; client_no_context_takeover',
    ],
    [
      `${PMD}; server_max_window_bits=8, ${PMD}; server_max_window_bits=11`,
      'dedicated',
      'client_no_context_takeover; server_max_window_bits=11',
    ],
  ] as const)('%s (%s)', (offer, mode, answer) => {
    const response = answer === undefined ? undefined : `${PMD}; ${answer}`;
    expect(agreeOnDeflate(offer, mode)?.response).toBe(response);
    expect(agreeOnDeflate(offer, 'off')).toBeUndefined();
  });
});

/** A stream as the peer's zlib has it: as many messages as there are, each without the end of its last block. */
function compressedByPeer(messages: readonly string[], windowBits: number): Buffer[] {
  return messages.map((message, i) => {
    const earlier = Buffer.from(messages.slice(0, i).join('')).subarray(-(2 ** windowBits));
    const options = {
      windowBits,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(earlier.length > 0 && { dictionary: earlier }),
    };
    return deflateRawSync(message, options).subarray(0, -4);
  });
}

const MESSAGES = Array.from({ length: 60 }, (_, i) =>
  JSON.stringify({ i, text: 'the same again and again', x: Math.sin(i) }),
);

test.each([9, 11, 13])('a window of %i bits is kept, in both directions', (bits) => {
  const deflate = new Deflate(
    agreed(`${PMD}; client_max_window_bits=${bits}; server_max_window_bits=${bits}`, 'dedicated'),
  );
  const payloads = compressedByPeer(MESSAGES, bits);
  expect(payloads.map((payload) => Buffer.from(deflate.inflate(payload, 1000)!).toString())).toEqual(
    MESSAGES,
  );
  const sent = MESSAGES.map((message) => Buffer.from(deflate.deflate(Buffer.from(message))));
  const stream = Buffer.concat(sent.flatMap((payload) => [payload, Buffer.from([0, 0, 0xff, 0xff])]));
  const whole = inflateRawSync(stream, { windowBits: bits, finishFlush: constants.Z_SYNC_FLUSH });
  expect(whole.toString()).toBe(MESSAGES.join(''));
  // The window is of use.
  const alone = new Deflate(agreed(PMD, 'shared')).deflate(Buffer.from(MESSAGES.at(-1)!));
  expect(sent.at(-1)!.length).toBeLessThan(alone.length / 2);
});

test('what many are sent is compressed once for all whose windows are alike, unless earlier messages count', () => {
  const message = Buffer.from('the same for all '.repeat(100));
  const [first, second, narrow] = ['', '', '; server_max_window_bits=9'].map(
    (rest) => new Deflate(agreed(PMD + rest, 'shared')),
  );
  const sent = first!.deflate(message, true);
  expect(second!.deflate(message, true)).toBe(sent);
  expect(second!.deflate(Buffer.from(message), true)).not.toBe(sent);
  expect(second!.deflate(message)).not.toBe(sent);
  expect(narrow!.deflate(message, true)).not.toBe(sent);
  const keeping = new Deflate(agreed(PMD, 'dedicated'));
  expect(keeping.deflate(message, true)).not.toBe(sent);
  // It refers to the one before.
  expect(keeping.deflate(message, true).length).toBeLessThan(sent.length);
});

test('the examples of RFC 7692 §7.2.3', () => {
  const inflate = (...frames: string[]) => {
    const bytes = frames.map((hex, i) => {
      const last = i === frames.length - 1;
      return encodeFrame({
        opcode: i === 0 ? Opcode.Text : 0,
        rsv: i === 0 ? 4 : 0,
        fin: last,
        payload: Buffer.from(hex, 'hex'),
      });
    });
    return readPieces(bytes, 1000, new Deflate(agreed(`${PMD}; client_max_window_bits`, 'dedicated')));
  };
  const hello = ['text 5 "Hello"'];
  expect(inflate('f248cdc9c90700')).toEqual(hello);
  expect(inflate('f248cd', 'c9c90700')).toEqual(hello);
  expect(inflate('000500fafff48656c6c6f00'.replace('f486', '486'))).toEqual(hello);
  expect(inflate('f348cdc9c9070000')).toEqual(hello);
  expect(inflate('f248050000 00ffffcac9c90700'.replace(' ', ''))).toEqual(hello);
  expect(inflate('00')).toEqual(['text 0 ""']);
});

test('what it refuses: bombs, while they inflate; what is not compressed; text that is no UTF-8', () => {
  const read = (payload: Uint8Array, rsv = 4) =>
    readPieces(
      [encodeFrame({ opcode: Opcode.Text, rsv, payload })],
      1000,
      new Deflate(agreed(PMD, 'shared')),
    );
  const compress = (data: Uint8Array) => deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH });
  const bomb = compress(Buffer.alloc(900_000));
  expect(bomb.length).toBeLessThan(1000);
  const before = process.memoryUsage().arrayBuffers;
  expect(read(bomb)).toEqual(['fault 1009']);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000);
  expect(read(Buffer.from([0xff, 0xff, 0xff]))).toEqual(['fault 1007']);
  expect(read(compress(Buffer.from([0x61, 0xff])))).toEqual(['fault 1007']);
  // More behind a block that says it is the last one (BFINAL): half of it would be handed over as the whole.
  expect(read(Buffer.from('f348cdc9c90700f248cdc9c90700', 'hex'))).toEqual(['fault 1007']);
  // Exactly maxPayload is taken, though it does not become shorter.
  const noise = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919) % 128));
  expect(read(compress(noise).subarray(0, -4))[0]).toMatch(/^text 1000 /);
  // Uncompressed messages stay, with their bound.
  expect(read(Buffer.alloc(1001, 'x'), 0)).toEqual(['fault 1009']);
  expect(read(Buffer.from('plain'), 0)).toEqual(['text 5 "plain"']);
});
