/** Messages of mixed sizes and kinds, each made from its seed alone: what came back is checked against a message made again. */
import { Prng } from 'shardhub/testing';

export interface TrafficMessage {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

const MIB = 1024 * 1024;
/** Eight bytes of UTF-8 each, so that a text can be cut at any multiple of eight. */
const LETTERS = [
  'shardhub',
  'ÄÖÜß',
  '\u0000\t\r\n"\\<&',
  '€uroé',
  '😀😁',
  '漢字ab',
  '\u{10ffff}\u{10000}',
  'x-y.z/0?',
];
const pools = makePools();

function makePools(): { text: Buffer; bytes: Buffer } {
  const random = new Prng(1);
  const letters: string[] = [];
  while (letters.length < MIB / 4) letters.push(random.pick(LETTERS));
  const bytes = Buffer.alloc(2 * MIB);
  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(random.int(0, 0xffff_ffff), i);
  return { text: Buffer.from(letters.join('')), bytes };
}

/** Mostly small, now and then at the edges of the length encoding, rarely up to 1 MiB. On average about 8 KiB. */
function pickSize(random: Prng): number {
  const roll = random.float();
  if (roll < 0.55) return random.int(0, 256);
  if (roll < 0.65) return random.pick([0, 1, 125, 126, 127, 65_535, 65_536, 65_537]);
  if (roll < 0.9) return random.int(257, 4096);
  if (roll < 0.99) return random.int(4097, 32_768);
  return random.chance(0.3) ? random.int(MIB / 4, MIB) : random.int(32_769, MIB / 8);
}

/** Message number `index` of stream `seed`. */
export function makeMessage(seed: number, index: number): TrafficMessage {
  const random = new Prng(seed * 1_000_003 + index);
  const size = pickSize(random);
  if (random.chance(0.5)) {
    const from = random.int(0, MIB);
    return { data: pools.bytes.subarray(from, from + size), isBinary: true };
  }
  const from = 8 * random.int(0, MIB / 8);
  return { data: pools.text.subarray(from, from + 8 * Math.floor(size / 8)), isBinary: false };
}
