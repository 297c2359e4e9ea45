/** The cases of RFC 6455 that tell a right server from a wrong one: sections 5.2 to 5.6, 7.4 and 8.1. */
import type { Chunk } from './conversation.js';
import { closePayload, type FrameInput, Opcode } from './frames.js';

export type RfcCase = readonly [name: string, ...chunks: Chunk[]];

/** Messages over twice this size are ended by the engine; between the two sizes the hub answers 1009, which has its own tests. */
export const CORPUS_MAX_PAYLOAD = 100_000;

const { Binary, Close, Continuation, Ping, Pong, Text } = Opcode;
const LARGE = Buffer.alloc(65_536, 'shardhub');

const text = (payload: string | Uint8Array, fin = true): FrameInput => ({ opcode: Text, payload, fin });
const binary = (payload: string | Uint8Array, fin = true): FrameInput => ({ opcode: Binary, payload, fin });
const more = (payload: string | Uint8Array, fin = false): FrameInput => ({
  opcode: Continuation,
  payload,
  fin,
});
const last = (payload: string | Uint8Array): FrameInput => more(payload, true);
const ping = (payload: string | Uint8Array = ''): FrameInput => ({ opcode: Ping, payload });
const pong = (payload: string | Uint8Array = ''): FrameInput => ({ opcode: Pong, payload });
const close = (code: number, reason: string | Uint8Array = ''): FrameInput => ({
  opcode: Close,
  payload: closePayload(code, reason),
});
const hex = (bytes: string): Buffer => Buffer.from(bytes.replaceAll(' ', ''), 'hex');

const SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536];

/** Every frame is valid and none is a close: echoed, ponged, and the connection lives. */
export const VALID: readonly RfcCase[] = [
  ...SIZES.flatMap((size): RfcCase[] => [
    [`a text of ${size}`, [text(LARGE.subarray(0, size))]],
    [`a binary of ${size}`, [binary(LARGE.subarray(0, size))]],
    [
      `a binary of ${size} in two halves`,
      [binary(LARGE.subarray(0, size / 2), false), last(LARGE.subarray(size / 2, size))],
    ],
  ]),
  ['a binary of exactly maxPayload', [binary(Buffer.alloc(CORPUS_MAX_PAYLOAD, 7))]],
  ['every byte there is', [binary(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))]],
  ['a text in three fragments', [text('one ', false), more('two '), last('three')]],
  ['an empty message in three empty fragments', [text('', false), more(''), last('')]],
  ['empty fragments around a full one', [binary('', false), more(''), more('full'), more(''), last('')]],
  [
    'a text in fragments of one byte',
    [text('', false), ...[...'byte by byte'].map((letter) => more(letter)), last('')],
  ],
  [
    '300 fragments',
    [binary('x', false), ...Array.from({ length: 298 }, (_, i) => more(String(i))), last('x')],
  ],
  ['a ping between fragments', [text('one ', false), ping('p'), last('two')]],
  [
    'pings and pongs between all fragments',
    [text('1', false), ping('a'), more('2'), pong(), ping('b'), more(''), ping(), last('3')],
  ],
  [
    'fragments in writes of their own',
    [text('a', false)],
    [ping('1')],
    [more('b')],
    [ping('2')],
    [last('c')],
  ],
  ...[0, 1, 2, 124, 125].map((size): RfcCase => [`a ping of ${size}`, [ping(LARGE.subarray(0, size))]]),
  ['a ping that is no UTF-8', [ping(hex('ff fe 00 80'))]],
  ['ten pings at once', [...'0123456789'].map((digit) => ping(digit))],
  ['a pong that nobody asked for', [pong('unasked')], [text('and on')]],
  ['a pong of 125', [pong(LARGE.subarray(0, 125))]],
  [
    'a hundred messages of both kinds at once',
    Array.from({ length: 100 }, (_, i) => (i % 3 ? text(`t${i}`) : binary(`b${i}`))),
  ],
  ['a mask of zeros', [{ ...text('bare'), mask: Buffer.alloc(4) }]],
  ['a byte order mark', [text('\ufeffmarked')]],
  ['a binary that would be bad UTF-8', [binary(hex('ff c0 ed a0 80'))]],
  ...[
    '\0',
    '\x7f',
    '\x80',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\ufdd0',
    '\ufffd',
    '\ufffe',
    '\uffff',
    '\u{10000}',
    '\u{1fffe}',
    '\u{10ffff}',
  ].map((letter): RfcCase => [`U+${letter.codePointAt(0)!.toString(16)}`, [text(letter)]]),
  ['letters of all lengths', [text('κόσμε €漢字 😀 z̸'.repeat(9))]],
  ['a letter cut between fragments', [text(hex('f0 9f'), false), more(hex('98')), last(hex('80'))]],
  [
    'a letter cut, with a ping in the cut',
    [text(hex('e2'), false), ping(hex('e2')), more(''), last(hex('82 ac'))],
  ],
];

/** A close frame that is valid. */
export const CLOSES: readonly RfcCase[] = [
  ['without a code', [{ opcode: Close }]],
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map(
    (code): RfcCase => [`code ${code}`, [close(code)]],
  ),
  ['code 1000 with a reason', [close(1000, 'enough')]],
  ['code 1001 with a reason that is not ASCII', [close(1001, 'tschüß 😀')]],
  ['code 4321 with a reason of 123 bytes', [close(4321, 'r'.repeat(123))]],
  ['after an echo', [text('first')], [close(1000)]],
  ['after a pong', [ping('first')], [close(1000)]],
  ['in the middle of a message', [text('never ', false), close(1000)]],
  ['and nothing counts after it', [close(1000), text('late'), ping('late'), close(1001)]],
];

const BAD_TEXTS = {
  'a lone continuation byte': '80',
  'a byte that never occurs': 'ff',
  'an overlong NUL': 'c0 80',
  'an overlong slash in three bytes': 'e0 80 af',
  'an overlong letter in four bytes': 'f0 80 80 af',
  'the lowest surrogate': 'ed a0 80',
  'the highest surrogate': 'ed bf bf',
  'a pair of surrogates': 'ed a0 80 ed b0 80',
  'a letter past U+10FFFF': 'f4 90 80 80',
  'a first byte of F5': 'f5 80 80 80',
  'a cut letter of two bytes': '61 c3',
  'a cut letter of four bytes': '61 f0 9f 98',
  'a letter that stops early': 'e2 82 61',
  'one bad byte behind good ones': '67 6f 6f 64 20 e2 82 ac 20 fe',
};
const BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

/** Breaks the rules: ends the connection, and nothing of it is echoed. What comes before it has been answered. */
export const INVALID: readonly RfcCase[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv): RfcCase => [`reserved bits ${rsv} on a text`, [{ ...text('x'), rsv }]]),
  ['a reserved bit on a ping', [{ ...ping('x'), rsv: 4 }]],
  ['a reserved bit on a close', [{ ...close(1000), rsv: 1 }]],
  ['a reserved bit on a continuation', [text('a', false)], [{ ...last('b'), rsv: 4 }]],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode): RfcCase => [`opcode ${opcode}`, [{ opcode, payload: 'x' }]],
  ),
  ['opcode 3 without a payload', [{ opcode: 3 }]],
  ['a continuation of nothing', [last('x')]],
  ['a continuation of nothing that is not the last', [more('x')]],
  ['a continuation after a whole message', [text('whole')], [last('x')]],
  ['a continuation after a message in fragments', [text('a', false), last('b')], [last('c')]],
  ['a text inside a text', [text('a', false)], [text('b')]],
  ['a ping in fragments', [{ ...ping('x'), fin: false }]],
  ['a pong in fragments', [{ ...pong('x'), fin: false }]],
  ['a close in fragments', [{ ...close(1000), fin: false }]],
  ['a ping of 126', [ping(LARGE.subarray(0, 126))]],
  ['a pong of 126', [pong(LARGE.subarray(0, 126))]],
  ['a close of 126', [close(1000, 'r'.repeat(124))]],
  ['a ping of 65,536', [ping(LARGE)]],
  ['a close of one byte', [{ opcode: Close, payload: hex('03') }]],
  ...BAD_CODES.map((code): RfcCase => [`a close with code ${code}`, [close(code)]]),
  ['a close with a reason that is no UTF-8', [close(1000, hex('61 ff'))]],
  ['a close with a cut reason', [close(1001, hex('e2 82'))]],
  ...Object.entries(BAD_TEXTS).flatMap(([name, bytes]): RfcCase[] => [
    [name, [text(hex(bytes))]],
    [
      `${name}, over fragments`,
      [text(hex(bytes).subarray(0, 1), false), ping('p')],
      [more('')],
      [last(hex(bytes).subarray(1))],
    ],
  ]),
  ['a bad text after a good one', [text('good')], [text(hex('c0'))]],
  ['a message over twice maxPayload', [binary(Buffer.alloc(2 * CORPUS_MAX_PAYLOAD + 1))]],
  [
    'a message over twice maxPayload in fragments',
    [binary(Buffer.alloc(CORPUS_MAX_PAYLOAD), false), more(Buffer.alloc(CORPUS_MAX_PAYLOAD)), last('x')],
  ],
  ...[2 ** 31, 2 ** 32, 2 ** 40, 2 ** 62, 2 ** 63].map(
    (claimedLength): RfcCase => [
      `a length of 2^${Math.log2(claimedLength)}`,
      [{ ...binary('few'), claimedLength }],
    ],
  ),
];

/** Against the rules too, yet let through by the engine: so it is by the hub. */
export const TOLERATED: readonly RfcCase[] = [
  ['a length of 5 in 16 bits', hex('82 fe 0005 00000000 68656c6c6f')],
  ['a length of 5 in 64 bits', hex('82 ff 0000000000000005 00000000 68656c6c6f')],
  ['a binary inside a text: its end', [text('a', false), more('b')], [binary('c')]],
  ['a frame without a mask: its first bytes are taken for one', hex('82 04 41414141 2e2a2a2e')],
];
