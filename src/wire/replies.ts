/**
 * The reply ring: the worker appends what its handlers ask for, the I/O thread applies it in order.
 *
 * Replies lie in shared memory before they are committed, and one store commits a message's last reply together with
 * the fact that the message is finished. So however a worker dies, the I/O thread sees for each message all of its
 * replies and that it finished, or that it did not finish.
 */
import { partOf, realLength } from './bytes.js';
import { copyBytes } from './copy.js';
import * as Flag from './flag.js';
import { KIND_MASK, PAD, REPLY_HEADER_BYTES, type RingMemory, recordUnits, UNIT_BYTES } from './layout.js';
import * as Reply from './reply-kind.js';
import * as Word from './word.js';

/** Called when the ring is full; returns once the I/O thread has applied more than up to `released`. */
export type WaitForSpace = (released: number) => void;

/** Writer, on the worker thread. */
export class ReplyWriter {
  readonly #control: Int32Array;
  readonly #ring: RingMemory;
  readonly #waitForSpace: WaitForSpace;
  #head = 0;
  #released = 0;

  constructor(control: Int32Array, ring: RingMemory, waitForSpace: WaitForSpace) {
    this.#control = control;
    this.#ring = ring;
    this.#waitForSpace = waitForSpace;
  }

  /** True when the I/O thread has not applied everything that was committed. */
  get isPending(): boolean {
    return Atomics.load(this.#control, Word.OutReleased) !== Atomics.load(this.#control, Word.OutHead);
  }

  /** Payload bytes of the largest single record; a larger payload is split. With it and as much padding the ring is half full. */
  get #maxPayload(): number {
    return (this.#ring.units * UNIT_BYTES) / 4 - REPLY_HEADER_BYTES;
  }

  /** A reply without payload. hot: once per message. */
  write(kind: number, slot: number, generation: number, source: number, doneBytes: number): void {
    this.#makeSpace(REPLY_HEADER_BYTES >>> 3);
    this.#append(kind, slot, generation, 0, source, doneBytes);
  }

  /**
   * A reply with bytes, in as many records as it takes: all but the last tell how long the whole is.
   *
   * @throws HubError `ERR_DATA_TYPE` when their memory is gone: nothing of the reply is sent
   */
  writeBytes(kind: number, slot: number, generation: number, payload: Uint8Array, doneBytes: number): void {
    const limit = this.#maxPayload;
    const length = realLength(payload);
    if (length <= limit) {
      this.#writePart(kind, slot, generation, payload, length, 0, doneBytes);
      return;
    }
    let at = 0;
    try {
      for (; length - at > limit; at += limit) {
        const part = partOf(payload, at, at + limit);
        this.#writePart((kind & ~Flag.Done) | Flag.More, slot, generation, part, limit, length, 0);
      }
      this.#writePart(kind, slot, generation, partOf(payload, at, length), length - at, 0, doneBytes);
    } catch (error) {
      // With the I/O thread on this thread, its listeners run while the ring is full: they may have let the memory go.
      if (at > 0) this.write(Reply.Abandon, 0, 0, 0, 0);
      throw error;
    }
  }

  /** A reply with text, encoded straight into the ring where it fits. */
  writeText(kind: number, slot: number, generation: number, text: string, doneBytes: number): void {
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    let bound = text.length * 3;
    if (bound > this.#maxPayload) {
      bound = Buffer.byteLength(text);
      if (bound > this.#maxPayload) {
        this.writeBytes(kind, slot, generation, Buffer.from(text, 'utf8'), doneBytes);
        return;
      }
    }
    this.#makeSpace(recordUnits(REPLY_HEADER_BYTES, bound));
    const length = this.#ring.bytes.write(text, this.#ring.byteAt(this.#head) + REPLY_HEADER_BYTES, 'utf8');
    this.#append(kind, slot, generation, length, 0, doneBytes);
  }

  /** Commits everything written so far. hot: once per message. */
  commit(): void {
    Atomics.store(this.#control, Word.OutHead, this.#head);
  }

  #writePart(
    kind: number,
    slot: number,
    generation: number,
    part: Uint8Array,
    length: number,
    wholeBytes: number,
    doneBytes: number,
  ): void {
    this.#makeSpace(recordUnits(REPLY_HEADER_BYTES, length));
    copyBytes(this.#ring.bytes, this.#ring.byteAt(this.#head) + REPLY_HEADER_BYTES, part, length);
    this.#append(kind, slot, generation, length, wholeBytes, doneBytes);
  }

  /** Makes space for a record at `#head`, which takes none before it is whole: writing it may throw. */
  #makeSpace(units: number): void {
    const ring = this.#ring;
    for (;;) {
      const left = ring.unitsLeft(this.#head);
      const padding = units > left ? left : 0;
      if (((this.#head - this.#released) | 0) + padding + units <= ring.units) {
        if (padding > 0) {
          ring.words[ring.wordAt(this.#head)] = PAD;
          this.#head = (this.#head + padding) | 0;
        }
        return;
      }
      const released = Atomics.load(this.#control, Word.OutReleased);
      if (released === this.#released) {
        // What was written is not the end of its message: it may be applied, the message stays unfinished.
        this.commit();
        this.#waitForSpace(released);
      } else {
        this.#released = released;
      }
    }
  }

  /** The record whose payload, if it has one, has been written. */
  #append(
    kind: number,
    slot: number,
    generation: number,
    length: number,
    source: number,
    doneBytes: number,
  ): void {
    const words = this.#ring.words;
    const word = this.#ring.wordAt(this.#head);
    words[word] = kind;
    words[word + 1] = slot;
    words[word + 2] = generation;
    words[word + 3] = length;
    words[word + 4] = source;
    words[word + 5] = doneBytes;
    this.#head = (this.#head + recordUnits(REPLY_HEADER_BYTES, length)) | 0;
  }
}

/** Reader, on the I/O thread. `next` moves to a record; its fields hold until the following `next`. */
export class ReplyReader {
  readonly #control: Int32Array;
  readonly #ring: RingMemory;
  #at = 0;
  #head = 0;
  kind = 0;
  flags = 0;
  slot = 0;
  generation = 0;
  length = 0;
  source = 0;
  doneBytes = 0;
  #payloadOffset = 0;

  constructor(control: Int32Array, ring: RingMemory) {
    this.#control = control;
    this.#ring = ring;
  }

  /** Sees what has been committed by now. True when there is something to read. */
  refresh(): boolean {
    this.#head = Atomics.load(this.#control, Word.OutHead);
    return this.#at !== this.#head;
  }

  /** Where the records end that `refresh` saw. */
  get head(): number {
    return this.#head;
  }

  /** True when everything before a position has been read. */
  hasPassed(position: number): boolean {
    return ((this.#at - position) | 0) >= 0;
  }

  /** True when `next` would move to a record of this connection. hot: once per reply. */
  peek(slot: number, generation: number): boolean {
    this.#skipPad();
    if (this.#at === this.#head) return false;
    const { words } = this.#ring;
    const word = this.#ring.wordAt(this.#at);
    return words[word + 1] === slot && words[word + 2] === generation;
  }

  /** True when the record at hand finishes an inbound record. */
  get isDone(): boolean {
    return (this.flags & Flag.Done) !== 0;
  }

  /** Moves to the next record that `refresh` saw; false when there is none. hot: once per reply. */
  next(): boolean {
    this.#skipPad();
    if (this.#at === this.#head) return false;
    const { words } = this.#ring;
    const word = this.#ring.wordAt(this.#at);
    const head = words[word]!;
    this.kind = head & KIND_MASK;
    this.flags = head;
    this.slot = words[word + 1]!;
    this.generation = words[word + 2]!;
    this.length = words[word + 3]!;
    this.source = words[word + 4]!;
    this.doneBytes = words[word + 5]!;
    this.#payloadOffset = word * 4 + REPLY_HEADER_BYTES;
    this.#at = (this.#at + recordUnits(REPLY_HEADER_BYTES, this.length)) | 0;
    return true;
  }

  /** The payload as a view into shared memory, valid until `release`. */
  view(): Uint8Array {
    return new Uint8Array(this.#ring.buffer, this.#payloadOffset, this.length);
  }

  /** Gives the memory of everything read so far back to the writer. */
  release(): void {
    Atomics.store(this.#control, Word.OutReleased, this.#at);
    if (Atomics.load(this.#control, Word.WorkerBlocked) === 1)
      Atomics.notify(this.#control, Word.OutReleased);
  }

  #skipPad(): void {
    const ring = this.#ring;
    while (this.#at !== this.#head && (ring.words[ring.wordAt(this.#at)]! & KIND_MASK) === PAD)
      this.#at = ring.skip(this.#at);
  }
}
