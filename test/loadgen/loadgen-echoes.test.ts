/** How the load generator reads echoes, byte by byte and without sockets. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Echoes, EchoShape } from '../../src/loadgen/echoes.js';
import { Findings, type LoadErrors, noErrors } from '../../src/loadgen/findings.js';
import { serverHeader, viewOf } from '../../src/loadgen/frames.js';
import { highOf, parseHead, payloadTemplate, toWord } from '../../src/loadgen/message.js';
import { LatencyRecorder, mergeHistograms, summarize } from '../../src/loadgen/recorder.js';
import { DueTimes, SentTimes } from '../../src/loadgen/times.js';
import { property } from '../support/property.js';

const ID = 0x123456;
const SIZES = [12, 13, 17, 64, 125, 126, 300, 1000, 65_535, 65_536];

function payloadOf(number: number, size: number, id = ID): Buffer {
  const payload = payloadTemplate(size);
  for (const [at, value] of [id, highOf(number), number].entries())
    payload.writeInt32BE(toWord(value), at * 4);
  return payload;
}

const frame = (payload: Uint8Array, opcode = 2) =>
  Buffer.concat([serverHeader(opcode, payload.length), payload]);

class Reader {
  readonly findings = new Findings();
  readonly recorder = new LatencyRecorder();
  readonly pings: string[] = [];
  readonly closes: string[] = [];
  readonly echoes: Echoes;

  constructor(size: number, sent: number, binary = true) {
    const control = {
      onPing: (payload: Buffer) => void this.pings.push(payload.toString()),
      onClose: (payload: Buffer) => void this.closes.push(payload.toString('hex')),
    };
    const shape = new EchoShape(size, binary);
    this.echoes = new Echoes(ID, shape, new SentTimes(16), this.recorder, this.findings, control);
    this.echoes.sent = sent;
  }

  /** Reads from a buffer that is overwritten afterwards, as a socket's is. Returns how many were answered. */
  read(...chunks: Buffer[]): number {
    let answered = 0;
    for (const chunk of chunks) {
      const shared = Buffer.concat([Buffer.from('before'), chunk, Buffer.from('after')]).subarray(6);
      answered += this.echoes.read(shared, viewOf(shared), chunk.length, 1);
      shared.fill(0xff);
    }
    return answered;
  }

  get errors(): Partial<LoadErrors> {
    return Object.fromEntries(Object.entries(this.findings.errors).filter(([, count]) => count > 0));
  }
}

/** The bytes, cut at the given places. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe('frames', () => {
  test.each(SIZES)('of %i bytes are read however they are cut', (size) => {
    const numbers = [0, 1, 2];
    const control = [frame(Buffer.from('one'), 9), frame(Buffer.alloc(0), 9), frame(Buffer.from('x'), 10)];
    const frames = numbers.flatMap((number) => [frame(payloadOf(number, size)), control[number]!]);
    const bytes = Buffer.concat(frames);
    property(fc.array(fc.nat(bytes.length - 1), { maxLength: 12 }), (places) => {
      const reader = new Reader(size, 3);
      expect(reader.read(...cut(bytes, places))).toBe(3);
      expect(reader.errors).toEqual({});
      expect(reader.pings).toEqual(['one', '']);
      expect(reader.echoes.outstanding).toBe(0);
    });
  });

  test('count for nothing behind a close frame', () => {
    const reader = new Reader(20, 2);
    const bytes = Buffer.concat([
      frame(payloadOf(0, 20)),
      frame(Buffer.of(3, 232), 8),
      frame(payloadOf(0, 20)),
      frame(payloadOf(1, 20)),
    ]);
    expect(reader.read(bytes)).toBe(1);
    expect(reader.closes).toEqual(['03e8']);
    expect(reader.errors).toEqual({});
  });

  test('are read one byte at a time', () => {
    const reader = new Reader(300, 2);
    const bytes = Buffer.concat([0, 1].map((number) => frame(payloadOf(number, 300))));
    expect(reader.read(...Array.from(bytes, (byte) => Buffer.of(byte)))).toBe(2);
    expect(reader.errors).toEqual({});
  });

  test.each<[string, Buffer, RegExp]>([
    ['reserved bits', Buffer.of(0xc2, 0), /reserved bits/],
    ['a mask', Buffer.of(0x82, 0x80), /masked/],
    ['an unknown opcode', Buffer.of(0x83, 0), /unknown opcode 3/],
    ['an unknown control opcode', Buffer.of(0x8b, 0), /unknown opcode 11/],
    ['a long ping', Buffer.of(0x89, 126, 1, 0), /control frame/],
    ['a fragmented ping', Buffer.of(0x09, 0), /control frame/],
    ['the first of several fragments', Buffer.of(0x02, 1, 0), /fragments/],
    ['a continuation', Buffer.of(0x80, 1, 0), /fragments/],
    ['a gigantic length', Buffer.of(0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0), /message of 1099511627776 bytes/],
  ])('with %s are refused, whole or cut', (_, bytes, message) => {
    expect(() => new Reader(64, 1).read(bytes)).toThrow(message);
    expect(() => new Reader(64, 1).read(...Array.from(bytes, (byte) => Buffer.of(byte)))).toThrow(message);
  });

  test('a close frame is passed on', () => {
    const reader = new Reader(64, 1);
    reader.read(frame(Buffer.from('03f5', 'hex'), 8));
    expect(reader.closes).toEqual(['03f5']);
  });
});

describe('echoes', () => {
  test.each(SIZES)('of %i bytes: any byte that differs is found', (size) => {
    const places = size < 400 ? Array.from({ length: size }, (_, i) => i) : [0, 11, 12, 13, 999, size - 1];
    for (const at of places) {
      const payload = payloadOf(0, size);
      payload[at]! ^= 1;
      const reader = new Reader(size, 2);
      const answered = reader.read(frame(payload));
      const { corrupt = 0, unexpected = 0 } = reader.errors;
      // A number that differs may be that of message 1, which then came before message 0.
      const isOther = at === 11 && parseHead(payload)?.number === 1;
      if (isOther) expect(reader.echoes.outstanding).toBe(1);
      else expect([at, corrupt + unexpected]).toEqual([at, 1]);
      expect(answered).toBe(isOther || corrupt > 0 ? 1 : 0);
    }
  });

  test.each<[string, [number, number?, number?][], Partial<LoadErrors>, lost: number]>([
    ['in order', [[0], [1], [2], [3]], {}, 0],
    ['one missing', [[0], [2], [3]], {}, 1],
    ['the last missing', [[0], [1], [2]], {}, 1],
    ['two swapped', [[0], [2], [1], [3]], { reordered: 1 }, 0],
    ['reversed', [[3], [2], [1], [0]], { reordered: 3 }, 0],
    ['one repeated', [[0], [1], [1], [2], [3]], { repeated: 1 }, 0],
    ['a late one repeated', [[1], [0], [0], [2], [3]], { reordered: 1, repeated: 1 }, 0],
    ['one that was not sent', [[0], [1], [2], [3], [4]], { unexpected: 1 }, 0],
    ['one of another connection', [[0], [1], [2], [3], [3, ID + 1]], { unexpected: 1 }, 0],
    ['one as text', [[0], [1, ID, 1], [2], [3]], { corrupt: 1 }, 0],
  ])('%s', (_, numbers, errors, lost) => {
    const reader = new Reader(64, 4);
    const frames = numbers.map(([number, id, opcode]) => frame(payloadOf(number, 64, id), opcode));
    expect(reader.read(Buffer.concat(frames))).toBe(4 - lost);
    expect(reader.errors).toEqual(errors);
    reader.echoes.giveUp();
    expect(reader.errors).toEqual(lost > 0 ? { ...errors, lost } : errors);
  });

  test.each([2 ** 24, 2 ** 31, 2 ** 32, 2 ** 40])('have numbers beyond %i', (around) => {
    for (const number of [around - 1, around, around + 1])
      expect(parseHead(payloadOf(number, 64))).toEqual({ connection: ID, number });
  });

  test('stay in order over the end of a word of their number', () => {
    const [perChunk, sent] = [4096, 2 ** 24 + 2];
    const reader = new Reader(12, sent);
    const chunk = Buffer.concat(Array.from({ length: perChunk }, () => frame(payloadOf(0, 12))));
    const view = viewOf(chunk);
    for (let first = 0; first < sent; first += perChunk) {
      const count = Math.min(perChunk, sent - first);
      for (let i = 0; i < count; i++) {
        view.setInt32(i * 14 + 6, toWord(highOf(first + i)));
        view.setInt32(i * 14 + 10, toWord(first + i));
      }
      expect(reader.echoes.read(chunk, view, count * 14, 1)).toBe(count);
    }
    expect(reader.echoes.outstanding).toBe(0);
    expect(reader.errors).toEqual({});
  });
});

describe('messages', () => {
  test('are printable, and of no short period', () => {
    const text = payloadTemplate(10_000).toString('latin1');
    expect(text).toMatch(/^[ -~]+$/);
    for (let period = 1; period < 2000; period++) expect(text.slice(12)).not.toBe(text.slice(12 + period));
    expect(new Set(text).size).toBeGreaterThan(90);
  });

  test('a word holds 24 bits in characters from 0 to o', () => {
    property(fc.nat(2 ** 24 - 1), (value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(toWord(value));
      expect(bytes.toString('latin1')).toMatch(/^[0-o]{4}$/);
      expect(parseHead(Buffer.concat([bytes, payloadTemplate(12).subarray(4)]))?.connection).toBe(value);
    });
  });
});

describe('latencies', () => {
  test('of threads are merged, with three digits', () => {
    const [fast, slow] = [new LatencyRecorder(), new LatencyRecorder()];
    for (let ms = 1; ms <= 99; ms++) fast.record(ms / 100);
    slow.record(1234);
    const { min, p50, p99, max, mean } = summarize(mergeHistograms([fast.encode(), slow.encode()]));
    const near = (value: number, expected: number) => {
      expect(Math.abs(value / expected - 1)).toBeLessThan(0.002);
    };
    near(min, 0.01);
    near(p50, 0.5);
    near(p99, 0.99);
    near(max, 1234);
    near(mean, (49.5 + 1234) / 100);
  });

  test('below a µs and above a minute are kept, and none is zero', () => {
    const recorder = new LatencyRecorder();
    for (const ms of [0, 65.535, 65.536, 70_000]) recorder.record(ms);
    const { min, p50, max } = summarize(recorder.encode());
    expect([min, p50]).toEqual([0.001, expect.closeTo(65.5, 0)]);
    expect(max / 70_000).toBeCloseTo(1, 2);
    recorder.clear();
    expect(summarize(recorder.encode()).max).toBe(0);
  });

  test('count from when messages were sent, for as many as are in flight', () => {
    const times = new SentTimes(3);
    times.mark(2 ** 32 - 1, 3, 5);
    expect([0, 1, 2].map((i) => times.of(2 ** 32 - 1 + i))).toEqual([5, 5, 5]);
  });

  test('or from when they were due', () => {
    const times = new DueTimes(100, 10);
    expect([0, 1, 7].map((number) => times.of(number))).toEqual([100, 110, 170]);
    expect([99.9, 100, 109.9, 110, 170].map((now) => times.dueBy(now))).toEqual([0, 1, 1, 2, 8]);
  });
});

test('no errors are none of any kind', () => {
  expect(new Set(Object.values(noErrors()))).toEqual(new Set([0]));
});
