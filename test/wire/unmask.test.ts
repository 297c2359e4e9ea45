/** Ranges that still carry the mask of their frame are unmasked wherever they are copied to. */
import { expect, test } from 'vitest';
import { Copies } from '../../src/hub/connection/copies.js';
import { Arena } from '../../src/wire/arena.js';
import { InboundWriter } from '../../src/wire/inbound.js';
import * as Inbound from '../../src/wire/inbound-kind.js';
import { CONTROL_BYTES, RingMemory } from '../../src/wire/layout.js';
import { copyUnmasked } from '../../src/wire/unmask.js';

/** The sizes around a word, four words, the arena's first, and a copy's memory of its own. */
const SIZES = [0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 64, 125, 1000, 2047, 2048, 2051, 70_001];
const MASKS = [0, 1, -1, 0x12345678, 0x80000000 | 0];

/** A chunk with a frame at an odd place, and what is in it. */
function chunkOf(size: number, mask: number, start = 7) {
  const payload = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + size) & 255));
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(mask);
  // At an odd place of its memory, too.
  const source = new Uint8Array(new ArrayBuffer(start + size + 12), 3, start + size + 5).fill(0xee);
  for (let i = 0; i < size; i++) source[start + i] = payload[i]! ^ bytes[i & 3]!;
  return { source, start, end: start + size, payload };
}

test('a range is copied without its mask, to any place, and nothing beside it is touched', () => {
  for (const mask of MASKS)
    for (const size of SIZES)
      for (const offset of [0, 1, 2, 3]) {
        const { source, start, end, payload } = chunkOf(size, mask, offset + 4);
        const target = Buffer.alloc(size + 8, 0xaa);
        copyUnmasked(
          new DataView(target.buffer, target.byteOffset, target.length),
          offset,
          source,
          start,
          end,
          mask,
        );
        expect(target.subarray(offset, offset + size).equals(payload), `${size} bytes, mask ${mask}`).toBe(
          true,
        );
        expect([...target.subarray(0, offset), ...target.subarray(offset + size)]).toEqual(
          Array(8).fill(0xaa),
        );
      }
});

test('the inbound ring and its arena hold what was sent', () => {
  const ring = new RingMemory(new SharedArrayBuffer(1 << 18));
  const staging = new RingMemory(new ArrayBuffer(1 << 18));
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const writer = new InboundWriter(control, ring, new Arena(new SharedArrayBuffer(1 << 20)), staging);
  const expected = MASKS.flatMap((mask) =>
    SIZES.map((size) => {
      const { source, start, end, payload } = chunkOf(size, mask);
      expect(writer.tryWrite(Inbound.Message, 1, 1, source, start, end, mask)).toBe(true);
      return payload;
    }),
  );
  const records = writer.recordsFrom(0);
  expect(records.map(({ payload }) => Buffer.compare(payload, expected.shift()!))).toEqual(
    records.map(() => 0),
  );
});

test('a copy that waits in a backlog is what was sent', () => {
  const copies = new Copies();
  for (const waiting of [0, 100])
    for (const mask of MASKS)
      for (const size of SIZES) {
        const { source, start, end, payload } = chunkOf(size, mask);
        const copy = copies.takeRange(source, start, end, mask, waiting);
        source.fill(0);
        expect(Buffer.compare(copy, payload), `${size} bytes, mask ${mask}`).toBe(0);
      }
});
