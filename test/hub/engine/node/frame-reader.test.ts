/** Every case of RFC 6455, whole and cut at every place: what the codec hands over, and with which code it refuses. */
import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../../../src/hub/engine/node/frame-reader.js';
import { Message } from '../../../../src/hub/engine/node/message.js';
import type { Chunk } from '../../../support/protocol/conversation.js';
import { toBytes } from '../../../support/protocol/conversation.js';
import { Recorder, readByWs, readPieces } from '../../../support/protocol/frame-events.js';
import { encodeFrame, Opcode } from '../../../support/protocol/frames.js';
import {
  CLOSES,
  CORPUS_MAX_PAYLOAD,
  INVALID,
  type RfcCase,
  TOLERATED,
  VALID,
} from '../../../support/protocol/rfc-cases.js';

const MAX = CORPUS_MAX_PAYLOAD;
const bytesOf = ([, ...chunks]: RfcCase): Buffer =>
  Buffer.concat(chunks.map((chunk: Chunk) => toBytes(chunk)));
const named = (cases: readonly RfcCase[]) => cases.map((one): [string, Buffer] => [one[0], bytesOf(one)]);

/** All pairs of pieces, and single bytes; of long streams some. */
function* cutsOf(bytes: Buffer): Iterable<Buffer[]> {
  const isLong = bytes.length > 500;
  const step = Math.ceil(bytes.length / 30);
  for (let at = 1; at < bytes.length; at += isLong && at > 20 ? step : 1)
    yield [bytes.subarray(0, at), bytes.subarray(at)];
  const size = Math.ceil(bytes.length / 2000);
  yield Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
}

function expectAtEveryCut(bytes: Buffer, lines: readonly string[]): void {
  for (const pieces of cutsOf(bytes)) {
    const at = `${pieces.length} pieces, the first of ${pieces[0]!.length}`;
    expect({ at, lines: readPieces(pieces, MAX) }).toEqual({ at, lines });
  }
}

describe('valid frames are handed over, as ws does', () => {
  test.each(named([...VALID, ...CLOSES]))('%s', (_name, bytes) => {
    const expected = readByWs(bytes, MAX);
    expect(expected.join()).not.toContain('fault');
    expect(readPieces([bytes], MAX)).toEqual(expected);
    expectAtEveryCut(bytes, expected);
  });
});

describe('what breaks the rules is refused with a code', () => {
  /** 1007 for text and reasons, 1009 for what is too large, 1002 for the rest. */
  const codeOf = (name: string) =>
    /UTF-8|cut reason/.test(name) ||
    /bad text|byte|overlong|surrogate|U\+10|F5|cut letter|stops early/.test(name)
      ? 1007
      : /maxPayload|2\^(?!63)/.test(name)
        ? 1009
        : 1002;
  test.each(named([...INVALID, ...TOLERATED]))('%s', (name, bytes) => {
    const lines = readPieces([bytes], MAX);
    const isClose = /a close of one byte|in 16 bits|in 64 bits|first bytes are taken/.test(name);
    expect(lines.at(-1)).toBe(`fault ${isClose ? 1002 : codeOf(name)}`);
    expectAtEveryCut(bytes, lines);
  });
});

test('text that cannot become UTF-8 is refused before the rest of it comes', () => {
  const start = encodeFrame({
    opcode: Opcode.Text,
    payload: Buffer.from('ok \xf4\x90', 'latin1'),
    claimedLength: 5000,
  });
  expect(readPieces([start], MAX)).toEqual(['fault 1007']);
  const cut = encodeFrame({
    opcode: Opcode.Text,
    payload: Buffer.from('ok \xf4\x8f', 'latin1'),
    claimedLength: 5000,
  });
  expect(readPieces([cut], MAX)).toEqual([]);
});

test.each([1, 3, 4, 63, 64, 511, 512, 513, 5000])(
  'a text of %i bytes, at any offset, with any mask',
  (size) => {
    const letters = ['a', 'é'];
    for (const letter of letters)
      for (let offset = 0; offset < 4; offset++) {
        const payload = Buffer.alloc(size - (size % letter.length), letter);
        const frames = [
          { opcode: Opcode.Binary, payload: Buffer.alloc(offset) },
          { opcode: Opcode.Text, payload },
          { opcode: Opcode.Text, payload: Buffer.concat([payload, Buffer.from([0xc3])]) },
        ];
        const bytes = Buffer.concat(frames.map((frame) => encodeFrame({ mask: true, ...frame })));
        expect(readPieces([bytes], MAX)).toEqual(readByWs(bytes, MAX));
      }
  },
);

test('a length that nothing follows costs no memory', () => {
  const readers = Array.from({ length: 200 }, () => new FrameReader(new Recorder(), 256 * 2 ** 20));
  const before = process.memoryUsage().arrayBuffers;
  for (const reader of readers) {
    const start = encodeFrame({ opcode: Opcode.Binary, payload: 'few', claimedLength: 200 * 2 ** 20 });
    reader.read(start, start.length);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 20_000);
});

test.each([0, 5_000_000])(
  'small fragments behind %i bytes do not copy, each of them, all before it',
  (size) => {
    const message = new Message(true, false);
    const take = (bytes: Uint8Array) => {
      message.missing = bytes.length;
      message.take(bytes, 0, bytes.length);
    };
    take(Buffer.alloc(size, 1));
    let moves = 0;
    for (let i = 0; i < 50_000; i++) {
      const { bytes } = message;
      take(Uint8Array.of(2));
      if (message.bytes !== bytes) moves++;
      // A regression would take minutes.
      if (moves > 100) break;
    }
    expect(moves).toBeLessThan(60);
    expect(message.bytes.subarray(0, message.length)).toEqual(
      Buffer.concat([Buffer.alloc(size, 1), Buffer.alloc(50_000, 2)]),
    );
  },
);

test('in a pause nothing is handed over, and everything after it, in order', () => {
  const recorder = new Recorder();
  const reader: FrameReader = new FrameReader(
    Object.assign(recorder, {
      onPing: () => {
        recorder.lines.push('pause');
        reader.pause();
      },
    }),
    MAX,
  );
  const frame = (payload: string, opcode: number = Opcode.Text) => encodeFrame({ opcode, payload });
  const bytes = Buffer.concat([
    frame('1'),
    frame('', Opcode.Ping),
    frame('2'),
    frame('', Opcode.Ping),
    frame('3'),
  ]);
  reader.read(bytes, bytes.length);
  const late = frame('4');
  reader.read(late.subarray(0, 3), 3);
  reader.read(late.subarray(3), late.length - 3);
  expect(recorder.lines).toEqual(['text 1 "1"', 'pause']);
  reader.resume();
  expect(recorder.lines.slice(2)).toEqual(['text 1 "2"', 'pause']);
  reader.resume();
  expect(recorder.lines.slice(4)).toEqual(['text 1 "3"', 'text 1 "4"']);
});

test('who stops it inside a message gets nothing more', () => {
  const recorder = new Recorder();
  const reader: FrameReader = new FrameReader(Object.assign(recorder, { onPong: () => reader.stop() }), MAX);
  const bytes = Buffer.concat(
    [Opcode.Text, Opcode.Pong, Opcode.Text].map((opcode) => encodeFrame({ opcode })),
  );
  reader.read(bytes, bytes.length);
  reader.read(bytes, bytes.length);
  expect(recorder.lines).toEqual(['text 0 ""']);
});
