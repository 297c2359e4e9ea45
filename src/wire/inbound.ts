/**
 * The inbound ring: the front end appends what arrived, the worker takes it in order.
 *
 * The writer stages small records in private memory, where a copy from an unaligned frame is cheap, and crosses to
 * shared memory in one aligned bulk copy per flush. Of a larger record, only the header is staged: its payload is copied
 * into shared memory at once; that of a large one goes into the arena. What was written stays until the worker has released
 * it: it is what a replacement worker gets after a crash, and what an `Echo` reply is sent from.
 */
import type { Arena } from './arena.js';
import { copyBytes } from './copy.js';
import * as Flag from './flag.js';
import {
  type Block,
  INBOUND_HEADER_BYTES,
  KIND_MASK,
  PAD,
  recordUnits,
  UNIT_BYTES,
  UNIT_WORDS,
} from './layout.js';
import * as Word from './word.js';

/** Payloads from this size on are not staged: a second copy costs more than a call for each. */
const DIRECT_BYTES = 2048;
/** A ring that held less counts as one that held so much. */
const MIN_PEAK_UNITS = (256 * 1024) / UNIT_BYTES;
/** Larger payloads go into the arena, also where the ring is large enough for them. */
const MAX_IN_RING_BYTES = 64 * 1024;
/** Of a record whose payload is in the arena: uint32 offset, uint32 bytes. */
const PLACE_BYTES = 8;
/** Makes a position one that its worker does not know. */
const FENCE = 1 << 31;

/** One inbound record, copied. */
export interface InboundRecord {
  readonly kind: number;
  readonly flags: number;
  readonly slot: number;
  readonly generation: number;
  readonly position: number;
  readonly payload: Uint8Array;
}

/** Writer, on the front end thread. */
export class InboundWriter {
  readonly #control: Int32Array;
  readonly #shared: Block;
  readonly #private: Block;
  readonly #arena: Arena;
  /** Bytes of the largest payload that goes into the ring. */
  readonly #maxInRing: number;
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
  /** True when the ring is to start over at the start of its block. */
  #isAround = false;
  /** Units that were skipped last, and the position behind them. */
  #skipped = 0;
  #skippedTo = 0;
  /** Position of the `PAD` between `#crossed` and `#staged`, where more than one never is. */
  #pad: number | undefined = undefined;

  /** `staging` is left out where the reader is on the same thread: then nothing has to cross. */
  constructor(control: Int32Array, shared: Block, arena: Arena, staging?: Block) {
    this.#control = control;
    this.#shared = shared;
    this.#arena = arena;
    this.#private = staging ?? shared;
    this.#maxInRing = Math.min(MAX_IN_RING_BYTES, (shared.units * UNIT_BYTES) / 16);
  }

  /** Units that wait to be flushed. */
  get staged(): number {
    return ((this.#staged - this.#flushed) | 0) + this.#stagedBeside;
  }

  /** Position of the record that was written last. */
  get lastPosition(): number {
    return this.#last;
  }

  /** Appends a record; false when there is no room. hot: once per message. */
  tryWrite(kind: number, slot: number, generation: number, payload: Uint8Array | undefined): boolean {
    const length = payload === undefined ? 0 : payload.length;
    if (length > this.#maxInRing) return this.#tryWriteLarge(kind, slot, generation, payload!);
    const bytes = this.#begin(kind, slot, generation, length);
    if (bytes === undefined) return false;
    const at = this.#private.offset(this.#last) + INBOUND_HEADER_BYTES;
    if (length >= DIRECT_BYTES) copyBytes(bytes, at, payload!);
    else if (length > 0) bytes.set(payload!, at);
    return true;
  }

  /** Appends a record whose payload is text; false when the ring has no room. */
  tryWriteText(kind: number, slot: number, generation: number, text: string): boolean {
    const length = Buffer.byteLength(text);
    const bytes = this.#begin(kind, slot, generation, length);
    bytes?.write(text, this.#private.offset(this.#last) + INBOUND_HEADER_BYTES, length, 'utf8');
    return bytes !== undefined;
  }

  /** Lets the worker read what was staged. True when there was something. */
  flush(): boolean {
    if (this.#flushed === this.#staged) return false;
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
    this.#arena.free(position);
  }

  /** The worker takes nothing from here on. @returns the position up to which it had */
  fence(): number {
    return Atomics.xor(this.#control, Word.InTaken, FENCE);
  }

  /** Payload bytes of a record that has not been freed. hot: once per echoed message. */
  payloadAt(position: number): Uint8Array {
    const { words, units } = this.#private;
    const word = (position & (units - 1)) * UNIT_WORDS;
    if ((words[word]! & Flag.External) !== 0) return this.#arena.view(...placeAt(this.#private, position));
    const length = words[word + 3]!;
    const { buffer } = length < DIRECT_BYTES ? this.#private : this.#shared;
    return new Uint8Array(buffer, word * 4 + INBOUND_HEADER_BYTES, length);
  }

  /** First word (kind and flags) of a record that has not been freed. */
  headAt(position: number): number {
    return this.#private.words[(position & (this.#private.units - 1)) * UNIT_WORDS]!;
  }

  /** All records from a position on, copied: what a replacement worker has to get. */
  recordsFrom(position: number): InboundRecord[] {
    const records: InboundRecord[] = [];
    const { words, units } = this.#private;
    let at = position;
    while (at !== this.#staged) {
      const word = (at & (units - 1)) * UNIT_WORDS;
      const head = words[word]!;
      const kind = head & KIND_MASK;
      if (kind === PAD) {
        at = (at + (units - (at & (units - 1)))) | 0;
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
      at = (at + recordUnits(INBOUND_HEADER_BYTES, words[word + 3]!)) | 0;
    }
    return records;
  }

  #tryWriteLarge(kind: number, slot: number, generation: number, payload: Uint8Array): boolean {
    const { length } = payload;
    const start = this.#arena.find(length);
    if (start === undefined) return false;
    const bytes = this.#begin(kind | Flag.External, slot, generation, PLACE_BYTES);
    if (bytes === undefined) return false;
    this.#arena.take(this.#last, start, length);
    copyBytes(this.#arena.bytes, start, payload);
    const at = this.#private.offset(this.#last) + INBOUND_HEADER_BYTES;
    bytes.writeUInt32LE(start, at);
    bytes.writeUInt32LE(length, at + 4);
    this.#stagedBeside += length >>> 3;
    return true;
  }

  /** Makes room for a record at `#last` and writes its header. Returns where its payload goes. */
  #begin(kind: number, slot: number, generation: number, length: number): Buffer | undefined {
    if (!this.#reserve(recordUnits(INBOUND_HEADER_BYTES, length))) return undefined;
    writeHeader(this.#private, this.#last, kind, slot, generation, length);
    if (length < DIRECT_BYTES) return this.#private.bytes;
    this.#cross(this.#last);
    writeHeader(this.#shared, this.#last, kind, slot, generation, length);
    this.#crossed = this.#staged;
    return this.#shared.bytes;
  }

  #reserve(units: number): boolean {
    const capacity = this.#private.units;
    const start = this.#staged & (capacity - 1);
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
    this.#isAround = (this.#staged & (this.#private.units - 1)) >= this.#peak;
  }

  #skipToStart(): void {
    const capacity = this.#private.units;
    const start = this.#staged & (capacity - 1);
    this.#private.words[start * UNIT_WORDS] = PAD;
    this.#pad = this.#staged;
    this.#skipped = capacity - start;
    this.#skippedTo = this.#staged = (this.#staged + this.#skipped) | 0;
    this.#stagedBeside -= this.#skipped;
    this.#isAround = false;
  }

  /**
   * Copies what was staged before a position to shared memory: at most two aligned bulk copies, up to the end of the
   * block or to a `PAD` before it, and from its start.
   */
  #cross(end: number): void {
    const { units } = this.#private;
    const count = (end - this.#crossed) | 0;
    if (count === 0 || this.#private === this.#shared) return;
    const start = this.#crossed & (units - 1);
    const untilEnd = units - start;
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

function writeHeader(
  { words, units }: Block,
  position: number,
  kind: number,
  slot: number,
  generation: number,
  length: number,
): void {
  const word = (position & (units - 1)) * UNIT_WORDS;
  words[word] = kind;
  words[word + 1] = slot;
  words[word + 2] = generation;
  words[word + 3] = length;
}

/** Offset and bytes of a payload in the arena. */
function placeAt(block: Block, position: number): [start: number, length: number] {
  const at = block.offset(position) + INBOUND_HEADER_BYTES;
  const { bytes } = block;
  return [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
}

/** Reader, on the worker thread. `next` moves to a record; its fields hold until the following `next`. */
export class InboundReader {
  readonly #control: Int32Array;
  readonly #block: Block;
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

  constructor(control: Int32Array, block: Block, arena: Arena) {
    this.#control = control;
    this.#block = block;
    this.#arena = arena;
  }

  /** Sees what has been flushed by now. True when there is something to read. */
  refresh(): boolean {
    this.#head = Atomics.load(this.#control, Word.InHead);
    return this.end !== this.#head;
  }

  /** Moves to the next record that `refresh` saw; false when there is none. hot: once per message. */
  next(): boolean {
    const { words, units } = this.#block;
    for (;;) {
      const at = this.end;
      if (at === this.#head) return false;
      const word = (at & (units - 1)) * UNIT_WORDS;
      const head = words[word]!;
      if ((head & KIND_MASK) === PAD) {
        this.end = (at + (units - (at & (units - 1)))) | 0;
        continue;
      }
      this.position = at;
      this.kind = head & KIND_MASK;
      this.flags = head;
      this.slot = words[word + 1]!;
      this.generation = words[word + 2]!;
      this.length = words[word + 3]!;
      this.end = (at + recordUnits(INBOUND_HEADER_BYTES, this.length)) | 0;
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
    return Atomics.compareExchange(this.#control, Word.InTaken, before, this.end) === before;
  }

  /** True when the worker was given up: nothing may begin in it any more. */
  get isFenced(): boolean {
    return Atomics.load(this.#control, Word.InTaken) !== this.#taken;
  }

  /** Says that nothing before the end of this record is read any more. */
  release(): void {
    Atomics.store(this.#control, Word.InReleased, this.end);
  }

  /** The payload of a record with `Flag.External`, valid until `release`. */
  large(): Uint8Array {
    return this.#arena.view(...placeAt(this.#block, this.position));
  }

  /** The payload as a view into shared memory, valid until `release`. */
  view(): Uint8Array {
    return this.viewAt(this.position, this.length);
  }

  viewAt(position: number, length: number): Uint8Array {
    const start = this.#block.offset(position) + INBOUND_HEADER_BYTES;
    return new Uint8Array(this.#block.buffer, start, length);
  }

  /** The payload's bytes as text. */
  text(position: number, length: number): string {
    const start = this.#block.offset(position) + INBOUND_HEADER_BYTES;
    return this.#block.bytes.toString('utf8', start, start + length);
  }
}
