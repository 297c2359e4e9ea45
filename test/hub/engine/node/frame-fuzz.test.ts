/**
 * The codec against that of ws: frames that are valid and frames with one damage, cut anywhere. SHARDHUB_SEED and
 * SHARDHUB_RUNS give other runs; a failure prints its seed and the smallest input that fails.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { property } from '../../../support/property.js';
import { toBytes } from '../../../support/protocol/conversation.js';
import { readByWs, readPieces } from '../../../support/protocol/frame-events.js';
import { conversation, cutAt, cuts, damagedFrames, noise } from '../../../support/protocol/fuzz-input.js';

const MAX_PAYLOAD = 2000;
const isFault = (line: string | undefined) => line?.startsWith('fault') === true;

test('valid frames, cut anywhere', () => {
  property(
    fc.tuple(conversation, cuts),
    ([frames, parts]) => {
      const bytes = toBytes(frames);
      expect(readPieces(cutAt(bytes, parts), MAX_PAYLOAD)).toEqual(readByWs(bytes, MAX_PAYLOAD));
    },
    300,
  );
});

test.each([
  ['with one damage', damagedFrames],
  ['without any sense', noise],
])('frames %s', (_name, input) => {
  const ends = new Set<string>();
  property(
    input,
    (pieces) => {
      const bytes = Buffer.concat(pieces);
      const own = readPieces(pieces, MAX_PAYLOAD);
      const other = readByWs(bytes, MAX_PAYLOAD);
      expect(own).toEqual(readPieces([bytes], MAX_PAYLOAD));
      ends.add(own.at(-1)?.slice(0, 10) ?? '');
      if (!isFault(own.at(-1))) {
        expect(own).toEqual(other);
        return;
      }
      // The codec refuses sooner: bad text before its message is whole, a length in more bytes than it needs. And it may name
      // another one of two faults. What it hands over before is the same.
      expect(own.slice(0, -1)).toEqual(other.slice(0, own.length - 1));
      const isAlone = own.at(-1) === 'fault 1007' || hasLongLength(bytes);
      if (!isAlone) expect(isFault(other.at(-1)) && other.length === own.length).toBe(true);
    },
    1000,
  );
  expect([...ends].filter((end) => isFault(end)).length).toBeGreaterThan(0);
});

/** A length in more bytes than it needs, anywhere: ws takes it. */
function hasLongLength(bytes: Buffer): boolean {
  for (let at = 1; at + 3 <= bytes.length; at++) {
    if ((bytes[at]! & 0x7f) === 126 && bytes.readUInt16BE(at + 1) < 126) return true;
    if ((bytes[at]! & 0x7f) === 127 && bytes.readUIntBE(at + 1, Math.min(6, bytes.length - at - 1)) === 0)
      return true;
  }
  return false;
}
