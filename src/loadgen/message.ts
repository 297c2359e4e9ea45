/**
 * What a message looks like: its connection and its number as twelve ASCII characters, then a pattern that is
 * the same in every message. So a message is valid as text and as binary, and an echo is checked by comparing
 * it with the one that is expected.
 *
 * ```
 *  0       4                8                12
 *  ┌───────┬────────────────┬────────────────┬──────────┐
 *  │ conn. │ number, high   │ number, low    │ pattern… │   each word: 24 bits, six per character
 *  └───────┴────────────────┴────────────────┴──────────┘
 * ```
 */

/** Bytes of connection and number: no message is smaller. */
export const MIN_SIZE = 12;

/** What one word can hold. */
const WORD = 2 ** 24;

/** 24 bits as four characters from `0` (48) to `o` (111), to be written as one big-endian word. */
export function toWord(value: number): number {
  const sixes =
    ((value & 0xfc0000) << 6) | ((value & 0x3f000) << 4) | ((value & 0xfc0) << 2) | (value & 0x3f);
  return sixes + 0x30303030;
}

/** The opposite of {@link toWord}; -1 for what is no such word. */
function fromWord(word: number): number {
  let value = 0;
  for (let shift = 24; shift >= 0; shift -= 8) {
    const six = ((word >>> shift) & 0xff) - 48;
    if (six < 0 || six > 63) return -1;
    value = value * 64 + six;
  }
  return value;
}

export const highOf = (number: number) => Math.floor(number / WORD);

export interface MessageHead {
  readonly connection: number;
  readonly number: number;
}

/** Whose message starts here, or undefined if none does. */
export function parseHead(payload: Buffer): MessageHead | undefined {
  if (payload.length < MIN_SIZE) return undefined;
  const [connection, high, low] = [0, 4, 8].map((at) => fromWord(payload.readUInt32BE(at)));
  if (connection! < 0 || high! < 0 || low! < 0) return undefined;
  return { connection: connection!, number: high! * WORD + low! };
}

/** The payload of connection 0's message 0: printable, and without a short period. */
export function payloadTemplate(size: number): Buffer {
  const payload = Buffer.alloc(size);
  let random = 1;
  for (let at = 0; at < size; at++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    payload[at] = 0x20 + ((random >>> 16) % 95);
  }
  for (const at of [0, 4, 8]) payload.writeUInt32BE(toWord(0), at);
  return payload;
}
