/**
 * The inbound ring: the I/O thread appends what arrived, the worker takes it in order.
 *
 * The writer stages records in private memory, where a copy from an unaligned frame is cheap, and crosses to shared
 * memory in one aligned bulk copy per flush. A larger payload is copied into the arena at once. What was written stays
 * until the worker has released it: it is what a replacement worker gets after a crash, and what an `Echo` reply is sent
 * from.
 */
import { Deque } from '../util/deque.js';
import type { Arena } from './arena.js';
import { copyBytes } from './copy.js';
import * as Flag from './flag.js';
import {
  INBOUND_HEADER_BYTES,
  type InboundRecord,
  KIND_MASK,
  PAD,
  type RingMemory,
  recordUnits,
  UNIT_BYTES,
} from './layout.js';
import { copyUnmasked } from './unmask.js';
import * as Word from './word.js';

/** Payloads from this size on go into the arena: a second copy costs more than a call and a place for each. */
const ARENA_FROM_BYTES = 2048;
/** From here on a view of a part of what was read, for a native copy, costs less than a copy by words (0.15 µs). */
const VIEW_BYTES = 512;
/** A ring that held less counts as one that held so much. */
const MIN_PEAK_UNITS = (256 * 1024) / UNIT_BYTES;
/** A record whose payload is in the arena has an int32 instead: where. */
const PLACE_BYTES = 4;
const PLACE_WORD = INBOUND_HEADER_BYTES / 4;
/** Makes a position one that its worker does not know. */
const FENCE = 1 << 31;

/** Writer, on the I/O thread. */
export class InboundWriter {
  readonly #control: Int32Array;
  readonly #shared: RingMemory;
  readonly #private: RingMemory;
  readonly #arena: Arena;
  /** Bytes of the least payload that goes into the arena. */
  readonly #arenaFrom: number;
  /** Positions of the records whose payload is there. */
  readonly #inArena = new Deque<number>();
  /** Units of the arena that wait to be flushed, less those that were skipped in the ring. */
  #stagedBeside = 0;
  /** Where the next record goes. */
  #staged = 0;
  /** Up to here everything is in shared memory. */
  #crossed = 0;
  /** Up to here the worker can read. */
  #flushed = 0;
  /** Up to here memory may be written again. */
  #freed = 0;
  #last = 0;
  /** The most units that the ring held, lately. */
  #peak = MIN_PEAK_UNITS;
  /** True when the ring is to start over at the start of its memory. */
  #isAround = false;
  /** Units that were skipped last, and the position behind them. */
  #skipped = 0;
  #skippedTo = 0;
  /** Position of the `PAD` between `#crossed` and `#staged`, where more than one never is. */
  #pad: number | undefined = undefined;

  /** `staging` is left out where the reader is on the same thread: then nothing has to cross. */
  constructor(control: Int32Array, shared: RingMemory, arena: Arena, staging?: RingMemory) {
    this.#control = control;
    this.#shared = shared;
    this.#arena = arena;
    this.#private = staging ?? shared;
    this.#arenaFrom = Math.min(ARENA_FROM_BYTES, (shared.units * UNIT_BYTES) / 16);
  }

  /** Units that wait to be flushed. */
  get staged(): number {
    return ((this.#staged - this.#flushed) | 0) + this.#stagedBeside;
  }

  get hasStaged(): boolean {
    return this.#flushed !== this.#staged;
  }

  /** Position of the record that was written last. */
  get lastPosition(): number {
    return this.#last;
  }

  /**
   * Appends a record with `source[start…end)` as its payload; false when there is no room. hot: once per message.
   *
   * @param mask as for `copyUnmasked`; 0 when there is none
   */
  tryWrite(
    kind: number,
    slot: number,
    generation: number,
    source: Uint8Array,
    start = 0,
    end = source.length,
    mask = 0,
  ): boolean {
    const length = end - start;
    if (length >= this.#arenaFrom)
      return this.#tryWriteLarge(kind, slot, generation, source, start, end, mask);
    if (!this.#begin(kind, slot, generation, length)) return false;
    if (length === 0) return true;
    const at = this.#private.byteAt(this.#last) + INBOUND_HEADER_BYTES;
    if (mask === 0 && (length === source.length || length >= VIEW_BYTES))
      this.#private.bytes.set(length === source.length ? source : source.subarray(start, end), at);
    else copyUnmasked(this.#private.view, at, source, start, end, mask);
    return true;
  }

  /** Appends a record whose payload is text; false when the ring has no room. */
  tryWriteText(kind: number, slot: number, generation: number, text: string): boolean {
    const length = Buffer.byteLength(text);
    if (!this.#begin(kind, slot, generation, length)) return false;
    const at = this.#private.byteAt(this.#last) + INBOUND_HEADER_BYTES;
    this.#private.bytes.write(text, at, length, 'utf8');
    return true;
  }

  /** Lets the worker read what was staged. True when there was something. */
  flush(): boolean {
    if (!this.hasStaged) return false;
    this.#cross(this.#staged);
    this.#flushed = this.#staged;
    this.#stagedBeside = 0;
    Atomics.store(this.#control, Word.InHead, this.#staged);
    this.#lookBack();
    return true;
  }

  /** True when the worker has released what `free` has not been told of. */
  get hasReleased(): boolean {
    return Atomics.load(this.#control, Word.InReleased) !== this.#freed;
  }

  /** Gives back the memory before a position that the worker has released. */
  free(position: number): void {
    this.#freed = position;
    const { words } = this.#private;
    const inArena = this.#inArena;
    for (let at = inArena.peek(); at !== undefined && ((position - at) | 0) > 0; at = inArena.peek()) {
      const word = this.#private.wordAt(at);
      this.#arena.giveBack(words[word + PLACE_WORD]!, words[word + 3]!);
      inArena.shift();
    }
  }

  /** The worker takes nothing from here on. Once. @returns the position up to which it had */
  fence(): number {
    return Atomics.xor(this.#control, Word.InTaken, FENCE);
  }

  /** Payload bytes of a record that has not been freed. hot: once per echoed message. */
  payloadAt(position: number): Uint8Array {
    return payloadOf(this.#private, this.#arena, position);
  }

  /** First word (kind and flags) of a record that has not been freed. */
  headAt(position: number): number {
    return this.#private.words[this.#private.wordAt(position)]!;
  }

  /** All records from a position on, copied: what a replacement worker has to get. */
  recordsFrom(position: number): InboundRecord[] {
    const records: InboundRecord[] = [];
    const ring = this.#private;
    const { words } = ring;
    let at = position;
    while (at !== this.#staged) {
      const word = ring.wordAt(at);
      const head = words[word]!;
      const kind = head & KIND_MASK;
      if (kind === PAD) {
        at = ring.skip(at);
        continue;
      }
      records.push({
        kind,
        flags: head & ~KIND_MASK,
        slot: words[word + 1]!,
        generation: words[word + 2]!,
        position: at,
        payload: this.payloadAt(at).slice(),
      });
      at = (at + unitsOf(head, words[word + 3]!)) | 0;
    }
    return records;
  }

  #tryWriteLarge(
    kind: number,
    slot: number,
    generation: number,
    source: Uint8Array,
    start: number,
    end: number,
    mask: number,
  ): boolean {
    const length = end - start;
    const place = this.#arena.take(length);
    if (place === undefined) return false;
    if (!this.#begin(kind | Flag.External, slot, generation, length)) {
      this.#arena.giveBack(place, length);
      return false;
    }
    if (mask === 0)
      copyBytes(this.#arena.bytes, place, length === source.length ? source : source.subarray(start, end));
    else copyUnmasked(this.#arena.data, place, source, start, end, mask);
    this.#private.words[this.#private.wordAt(this.#last) + PLACE_WORD] = place;
    this.#inArena.push(this.#last);
    this.#stagedBeside += length >>> 3;
    return true;
  }

  /** Makes room for a record at `#last` and writes its header; false when there is none. */
  #begin(kind: number, slot: number, generation: number, length: number): boolean {
    if (!this.#reserve(unitsOf(kind, length))) return false;
    const { words } = this.#private;
    const word = this.#private.wordAt(this.#last);
    words[word] = kind;
    words[word + 1] = slot;
    words[word + 2] = generation;
    words[word + 3] = length;
    return true;
  }

  #reserve(units: number): boolean {
    const capacity = this.#private.units;
    const start = this.#private.unitAt(this.#staged);
    const used = (this.#staged - this.#freed) | 0;
    const startsOver = start + units > capacity || (this.#isAround && used + units <= start);
    const padding = startsOver ? capacity - start : 0;
    if (used + padding + units > capacity) return false;
    if (padding > 0) this.#skipToStart();
    this.#last = this.#staged;
    this.#staged = (this.#staged + units) | 0;
    return true;
  }

  /**
   * Decides whether the ring starts over before its end, so that it keeps to memory that is warm: once it has come as far as
   * what it lately held. What is skipped counts as used until the worker has passed it, so as much has room meanwhile.
   */
  #lookBack(): void {
    const skipped = ((this.#skippedTo - this.#freed) | 0) > 0 ? this.#skipped : 0;
    const held = ((this.#staged - this.#freed) | 0) - skipped;
    this.#peak = Math.max(held, this.#peak - (this.#peak >>> 8), MIN_PEAK_UNITS);
    this.#isAround = this.#private.unitAt(this.#staged) >= this.#peak;
  }

  #skipToStart(): void {
    this.#private.words[this.#private.wordAt(this.#staged)] = PAD;
    this.#pad = this.#staged;
    this.#skipped = this.#private.unitsLeft(this.#staged);
    this.#skippedTo = this.#staged = (this.#staged + this.#skipped) | 0;
    this.#stagedBeside -= this.#skipped;
    this.#isAround = false;
  }

  /**
   * Copies what was staged before a position to shared memory: at most two aligned bulk copies, up to the end of the
   * ring or to a `PAD` before it, and from its start.
   */
  #cross(end: number): void {
    const count = (end - this.#crossed) | 0;
    if (count === 0 || this.#private === this.#shared) return;
    const start = this.#private.unitAt(this.#crossed);
    const untilEnd = this.#private.unitsLeft(this.#crossed);
    const untilPad = this.#pad === undefined ? count : (this.#pad + 1 - this.#crossed) | 0;
    this.#copyUnits(start, Math.min(count, untilEnd, untilPad));
    if (count > untilEnd) this.#copyUnits(0, count - untilEnd);
    this.#crossed = end;
    this.#pad = undefined;
  }

  #copyUnits(start: number, count: number): void {
    const source = new Float64Array(this.#private.buffer, start * UNIT_BYTES, count);
    new Float64Array(this.#shared.buffer, start * UNIT_BYTES, count).set(source);
  }
}

/** Units of a record, by its first word and its payload's bytes. */
function unitsOf(head: number, length: number): number {
  return recordUnits(INBOUND_HEADER_BYTES, (head & Flag.External) === 0 ? length : PLACE_BYTES);
}

/** A record's payload, in the ring or in the arena. */
function payloadOf(ring: RingMemory, arena: Arena, position: number): Uint8Array {
  const { words } = ring;
  const word = ring.wordAt(position);
  const length = words[word + 3]!;
  if ((words[word]! & Flag.External) !== 0) return arena.view(words[word + PLACE_WORD]!, length);
  return new Uint8Array(ring.buffer, word * 4 + INBOUND_HEADER_BYTES, length);
}

/** Reader, on the worker thread. `next` moves to a record; its fields hold until the following `next`. */
export class InboundReader {
  readonly #control: Int32Array;
  readonly #ring: RingMemory;
  readonly #arena: Arena;
  /** Position of the record that `next` moved to. */
  position = 0;
  /** Position behind it. */
  end = 0;
  kind = 0;
  flags = 0;
  slot = 0;
  generation = 0;
  length = 0;
  #head = 0;
  /** What was stored last in `InTaken`. */
  #taken = 0;
  #isStopped = false;

  constructor(control: Int32Array, ring: RingMemory, arena: Arena) {
    this.#control = control;
    this.#ring = ring;
    this.#arena = arena;
  }

  /** Sees what has been flushed by now. True when there is something to read. */
  refresh(): boolean {
    this.#head = this.#isStopped ? this.end : Atomics.load(this.#control, Word.InHead);
    return this.end !== this.#head;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Moves to the next record that `refresh` saw; false when there is none. hot: once per message. */
  next(): boolean {
    const ring = this.#ring;
    const { words } = ring;
    for (;;) {
      const at = this.end;
      if (at === this.#head) return false;
      const word = ring.wordAt(at);
      const head = words[word]!;
      if ((head & KIND_MASK) === PAD) {
        this.end = ring.skip(at);
        continue;
      }
      this.position = at;
      this.kind = head & KIND_MASK;
      this.flags = head;
      this.slot = words[word + 1]!;
      this.generation = words[word + 2]!;
      this.length = words[word + 3]!;
      this.end = (at + unitsOf(head, this.length)) | 0;
      return true;
    }
  }

  /**
   * Says that the record is taken: from here on a crash costs its connection. False when the worker was given up: then it is
   * for another one. hot: once per message.
   */
  take(): boolean {
    const before = this.#taken;
    this.#taken = this.end;
    if (Atomics.compareExchange(this.#control, Word.InTaken, before, this.end) === before) return true;
    this.#taken = this.end = before;
    return false;
  }

  /** True when the worker was given up: nothing may begin in it any more. */
  get isFenced(): boolean {
    return Atomics.load(this.#control, Word.InTaken) !== this.#taken;
  }

  get isHandingOver(): boolean {
    return Atomics.load(this.#control, Word.HandOver) === 1;
  }

  /** Says that nothing before the end of this record is read any more. */
  release(): void {
    Atomics.store(this.#control, Word.InReleased, this.end);
  }

  /** The payload of a record, valid until `release`. */
  payloadAt(position: number): Uint8Array {
    return payloadOf(this.#ring, this.#arena, position);
  }

  /** The same as text. */
  textAt(position: number): string {
    const { words, bytes } = this.#ring;
    const word = this.#ring.wordAt(position);
    const isInArena = (words[word]! & Flag.External) !== 0;
    const start = isInArena ? words[word + PLACE_WORD]! : word * 4 + INBOUND_HEADER_BYTES;
    return (isInArena ? this.#arena.bytes : bytes).toString('utf8', start, start + words[word + 3]!);
  }
}
