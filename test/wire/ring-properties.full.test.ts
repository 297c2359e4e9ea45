/** The record layout of both rings: whatever is written, flushed, read and released, every record comes out once, whole and in order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arena } from '../../src/wire/arena.js';
import * as Flag from '../../src/wire/flag.js';
import { InboundReader, InboundWriter } from '../../src/wire/inbound.js';
import * as Inbound from '../../src/wire/inbound-kind.js';
import { CONTROL_BYTES, RingMemory } from '../../src/wire/layout.js';
import { ReplyReader, ReplyWriter } from '../../src/wire/replies.js';
import * as Reply from '../../src/wire/reply-kind.js';
import * as Word from '../../src/wire/word.js';
import { property } from '../support/property.js';

const RING_BYTES = 2048;
/** The largest payload in a ring of so many bytes; larger ones go into the arena. */
const MAX_PAYLOAD = RING_BYTES / 16 - 1;
const ARENA_BYTES = 4096;

/** Bytes that differ from one record to the next, at an offset that is rarely aligned. */
function payload(serial: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length + 8).subarray(serial % 8, (serial % 8) + length);
  for (let i = 0; i < length; i++) bytes[i] = serial * 31 + i * 7;
  return bytes;
}

/** Quicker than `toEqual` alone, which looks at each byte; it says what differs. */
function expectBytes(bytes: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(bytes, expected) !== 0) expect(Buffer.from(bytes)).toEqual(Buffer.from(expected));
}

/** Lengths up to a ring's longest, and those that a record's place in the block depends on. */
const sizeUpTo = (max: number, ...special: number[]) =>
  fc.oneof(fc.nat(max), fc.constantFrom(0, 1, 7, 8, 9, 48, 112, max, ...special));
const size = sizeUpTo(MAX_PAYLOAD);
const anySize = fc.oneof(
  size,
  sizeUpTo(ARENA_BYTES, MAX_PAYLOAD + 1, 63, 64, 65, ARENA_BYTES / 2, ARENA_BYTES - 1),
);

describe.each([
  { isStaged: true, ringBytes: RING_BYTES, size: anySize },
  { isStaged: false, ringBytes: RING_BYTES, size: anySize },
  // Large enough for the size from which payloads go into the arena.
  { isStaged: true, ringBytes: 65_536, size: sizeUpTo(4096, 240, 1008, 2032, 2040, 2047, 2048, 2049) },
])(
  'inbound ring of $ringBytes bytes, staged in private memory: $isStaged',
  ({ isStaged, ringBytes, size }) => {
    function makeRing() {
      const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
      const shared = new RingMemory(new SharedArrayBuffer(ringBytes));
      const staging = isStaged ? new RingMemory(new ArrayBuffer(ringBytes)) : undefined;
      const arena = new SharedArrayBuffer(ARENA_BYTES);
      const writer = new InboundWriter(control, shared, new Arena(arena), staging);
      return { control, writer, reader: new InboundReader(control, shared, new Arena(arena)) };
    }

    const step = fc.oneof(
      { weight: 5, arbitrary: size.map((length) => ({ kind: 'write' as const, length })) },
      { weight: 2, arbitrary: fc.constant({ kind: 'flush' as const, length: 0 }) },
      {
        weight: 3,
        arbitrary: fc.integer({ min: 1, max: 6 }).map((length) => ({ kind: 'read' as const, length })),
      },
      { weight: 2, arbitrary: fc.constant({ kind: 'release' as const, length: 0 }) },
    );

    test('records come out as they went in, and a replacement gets exactly those that were not taken', () => {
      property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const { control, writer, reader } = makeRing();
        const sent: { serial: number; bytes: Uint8Array; position: number }[] = [];
        let flushed = 0;
        let taken = 0;
        let released = 0;
        for (const { kind, length } of steps) {
          if (kind === 'write') {
            const serial = sent.length;
            const bytes = payload(serial, length);
            const isIn = writer.tryWrite(Inbound.Message | Flag.Binary, serial, serial + 1, bytes);
            if (isIn) sent.push({ serial, bytes, position: writer.lastPosition });
            // A ring without anything in it takes any record.
            else expect(sent.length).toBeGreaterThan(released);
          } else if (kind === 'flush') {
            writer.flush();
            flushed = sent.length;
          } else if (kind === 'read') {
            reader.refresh();
            for (let i = 0; i < length && reader.next(); i++) {
              reader.take();
              const { serial, bytes, position } = sent[taken]!;
              expect([reader.kind, reader.slot, reader.generation, reader.position]).toEqual([
                Inbound.Message,
                serial,
                serial + 1,
                position,
              ]);
              expect(reader.flags & Flag.Binary).toBe(Flag.Binary);
              const isLarge = (reader.flags & Flag.External) !== 0;
              expect(isLarge).toBe(bytes.length >= Math.min(2048, ringBytes / 16));
              expectBytes(reader.payloadAt(position), bytes);
              taken++;
            }
            expect(taken).toBeLessThanOrEqual(flushed);
          } else {
            reader.release();
            released = taken;
            writer.free(Atomics.load(control, Word.InReleased));
          }
          const left = writer.recordsFrom(Atomics.load(control, Word.InTaken));
          expect(left.map(({ slot, position }) => [slot, position])).toEqual(
            sent.slice(taken).map(({ serial, position }) => [serial, position]),
          );
          for (const { slot, payload: bytes } of left) expectBytes(bytes, sent[slot]!.bytes);
          // An echo is sent from what was written, until its record is released.
          for (const { bytes, position } of sent.slice(released))
            expectBytes(writer.payloadAt(position), bytes);
        }
        writer.flush();
        reader.refresh();
        while (reader.next()) taken++;
        expect(taken).toBe(sent.length);
      });
    });
  },
);

test('a reader takes nothing once the writer has fenced it off, and the writer knows what it had taken', () => {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const block = new RingMemory(new SharedArrayBuffer(4096));
  const arena = new Arena(new ArrayBuffer(0));
  const writer = new InboundWriter(control, block, arena);
  const reader = new InboundReader(control, block, arena);
  for (let serial = 0; serial < 3; serial++) writer.tryWrite(Inbound.Message, serial, 1, new Uint8Array(0));
  writer.flush();
  reader.refresh();
  expect([reader.next(), reader.take(), reader.isFenced]).toEqual([true, true, false]);
  const taken = writer.fence();
  expect([reader.next(), reader.isFenced, reader.take()]).toEqual([true, true, false]);
  expect(writer.recordsFrom(taken).map(({ slot }) => slot)).toEqual([1, 2]);
});

test('positions go on past 2^31', () => {
  const bytes = 4 * 1024 * 1024;
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const block = new RingMemory(new ArrayBuffer(bytes));
  const arena = new Arena(new ArrayBuffer(0));
  const writer = new InboundWriter(control, block, arena);
  const reader = new InboundReader(control, block, arena);
  const large = 'x'.repeat(64 * 1024);
  // The ring starts over long before its end: so positions run faster than bytes are written.
  let wraps = 0;
  for (let serial = 0; wraps < 2; serial++) {
    expect(writer.tryWriteText(Inbound.Open, serial, 1, serial % 5 === 0 ? large : '')).toBe(true);
    if (serial % 25 !== 24) continue;
    writer.flush();
    reader.refresh();
    for (let i = serial - 24; i <= serial; i++) {
      const before = reader.position;
      if (!reader.next() || reader.slot !== i) throw new Error(`record ${i} is missing at ${before}`);
      if (before > 0 !== reader.position > 0) wraps++;
    }
    reader.release();
    writer.free(Atomics.load(control, Word.InReleased));
  }
  expect(writer.recordsFrom(reader.end)).toEqual([]);
});

test.each([
  ['is emptied each time', 0],
  ['always holds something', 60],
])('a large ring that %s keeps to as much of its block as it holds at most', (_, left) => {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const block = new RingMemory(new SharedArrayBuffer(4 * 1024 * 1024));
  const arena = new Arena(new ArrayBuffer(0));
  const staging = new RingMemory(new ArrayBuffer(4 * 1024 * 1024));
  const writer = new InboundWriter(control, block, arena, staging);
  const reader = new InboundReader(control, block, arena);
  let written = 0;
  let taken = 0;
  /** The highest offset that was written to since the last look. */
  let reach = 0;
  const turn = (records: number) => {
    for (let i = 0; i < records; i++, written++) {
      expect(writer.tryWrite(Inbound.Message, written, 1, payload(written, 1000))).toBe(true);
      reach = Math.max(reach, block.byteAt(writer.lastPosition));
    }
    // What is skipped is nothing to hand over.
    expect(writer.staged * 8).toBe(records * 1016);
    writer.flush();
    reader.refresh();
    for (; taken < written - left && reader.next(); taken++) {
      expect(reader.slot).toBe(taken);
      expectBytes(reader.payloadAt(reader.position), payload(taken, 1000));
    }
    reader.release();
    writer.free(Atomics.load(control, Word.InReleased));
  };
  // What it has held lately has room each time, wherever it starts over.
  turn(2500 + left);
  for (let i = 0; i < 5; i++) turn(2500);
  // That is forgotten when less comes for some time.
  for (let i = 0; i < 700; i++) turn(20);
  reach = 0;
  for (let i = 0; i < 100; i++) turn(100);
  expect(reach).toBeLessThan(1024 * 1024);
});

/** Records of this length take 64 bytes: 32 of them fill the block. */
const LENGTH = 48;

test.each([
  // One is left in the ring, so that it does not start over, and the block's end is 8 records ahead.
  [
    'goes over the end of the block',
    [
      { write: 24, take: 23 },
      { write: 16, take: 17 },
    ],
  ],
  ['fills the block', [{ write: 32, take: 32 }]],
])('a batch that %s crosses whole', (_, batches) => {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const shared = new RingMemory(new SharedArrayBuffer(RING_BYTES));
  const arena = new Arena(new ArrayBuffer(0));
  const writer = new InboundWriter(control, shared, arena, new RingMemory(new ArrayBuffer(RING_BYTES)));
  const reader = new InboundReader(control, shared, arena);
  let written = 0;
  let taken = 0;
  for (const { write, take } of batches) {
    for (const end = written + write; written < end; written++) {
      expect(writer.tryWrite(Inbound.Message, written, 1, payload(written, LENGTH))).toBe(true);
    }
    writer.flush();
    reader.refresh();
    for (const end = taken + take; taken < end; taken++) {
      expect(reader.next()).toBe(true);
      expect(reader.slot).toBe(taken);
      expectBytes(reader.payloadAt(reader.position), payload(taken, LENGTH));
    }
    reader.release();
    writer.free(Atomics.load(control, Word.InReleased));
  }
  expect(reader.next()).toBe(false);
});

describe('reply ring', () => {
  const text = fc.string({ unit: 'binary', maxLength: 3 * MAX_PAYLOAD });
  const bytes = fc.oneof(size, fc.integer({ min: 0, max: 3 * RING_BYTES })).map((length) => ({ length }));
  const write = fc.oneof(
    fc.constant({ kind: 'finish' as const }),
    bytes.map(({ length }) => ({ kind: 'bytes' as const, length })),
    bytes.map(({ length }) => ({ kind: 'gone' as const, length })),
    text.map((value) => ({ kind: 'text' as const, value })),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: write },
    { weight: 3, arbitrary: fc.constant({ kind: 'commit' as const }) },
    { weight: 3, arbitrary: fc.constant({ kind: 'apply' as const }) },
  );

  test('replies come out whole and in order, split or not, and never before they are committed', () => {
    property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
      const block = new RingMemory(new SharedArrayBuffer(RING_BYTES));
      const written: Buffer[] = [];
      const applied: Buffer[] = [];
      let parts: Buffer[] = [];
      let committed = 0;
      const reader = new ReplyReader(control, block);
      /** What a full ring is to take the memory of. */
      let victim: ArrayBuffer | undefined;
      const apply = () => {
        if (victim !== undefined) structuredClone(victim, { transfer: [victim] });
        victim = undefined;
        reader.refresh();
        for (;;) {
          const ahead = [0, 1, 2, 3, 4].filter((slot) => reader.peek(slot, 7));
          expect([0, 1, 2, 3, 4].filter((slot) => reader.peek(slot, 8))).toEqual([]);
          if (!reader.next()) {
            expect(ahead).toEqual([]);
            break;
          }
          if (reader.kind === Reply.Abandon) {
            expect(reader.isDone).toBe(false);
            parts = [];
            continue;
          }
          expect([reader.slot, reader.generation]).toEqual([...ahead, 7]);
          parts.push(Buffer.from(reader.view()));
          if ((reader.flags & Flag.More) !== 0) {
            expect(reader.isDone).toBe(false);
            continue;
          }
          expect([reader.slot, reader.doneBytes]).toEqual([applied.length % 5, applied.length]);
          expect(reader.isDone).toBe(true);
          applied.push(Buffer.concat(parts));
          parts = [];
        }
        reader.release();
      };
      const writer = new ReplyWriter(control, block, apply);
      for (const one of steps) {
        const slot = written.length % 5;
        const serial = written.length;
        const waits = applied.length;
        if (one.kind === 'commit') {
          writer.commit();
          committed = written.length;
        } else if (one.kind === 'apply') {
          apply();
        } else if (one.kind === 'gone') {
          const { buffer } = new Uint8Array(one.length);
          victim = buffer;
          try {
            writer.writeBytes(Reply.Send | Flag.Done, slot, 7, new Uint8Array(buffer), serial);
            written.push(Buffer.alloc(one.length));
          } catch {
            expect(victim).toBe(undefined);
          }
          victim = undefined;
        } else if (one.kind === 'text') {
          writer.writeText(Reply.Send | Flag.Done, slot, 7, one.value, serial);
          written.push(Buffer.from(one.value));
        } else if (one.kind === 'bytes') {
          writer.writeBytes(Reply.Send | Flag.Done, slot, 7, payload(serial, one.length), serial);
          written.push(Buffer.from(payload(serial, one.length)));
        } else {
          writer.write(Reply.Finish | Flag.Done, slot, 7, 0, serial);
          written.push(Buffer.alloc(0));
        }
        // A full ring commits what came before, never the reply that is being written.
        committed = Math.max(committed, applied.length > waits ? serial : 0);
        expect(applied.length).toBeLessThanOrEqual(committed);
      }
      writer.commit();
      apply();
      expect(parts).toEqual([]);
      expect(applied).toEqual(written);
      expect(writer.isPending).toBe(false);
    });
  });
});
