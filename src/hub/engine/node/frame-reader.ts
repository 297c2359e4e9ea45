/**
 * Reads the frames of a peer (RFC 6455 §5) out of whatever pieces its socket delivers. One loop over each piece: a frame
 * that lies in it whole is handed over where it lies, under its mask. Knows no socket. I/O thread.
 */

import { isUtf8 } from 'node:buffer';
import {
  FIN,
  faultOf,
  MASK_BYTES,
  MASKED,
  MAX_CONTROL_BYTES,
  MAX_HEADER_BYTES,
  Opcode,
  RSV1,
  readClose,
} from './frames.js';
import { unmask, wordsOf } from './masking.js';
import { Message } from './message.js';
import { readMemory } from './read-memory.js';
import { isMaskedAscii } from './utf8.js';

/** What breaks the rules, is no UTF-8, or is too large (§7.4.1). */
export type FaultCode = 1002 | 1007 | 1009;

/** Who takes what was read. After `onClose` and `onFault` nothing more is. */
export interface FrameSink {
  /**
   * A message: `source[start…end)`, of which each byte is under the mask (0 is none): byte i of the payload is
   * `source[start + i] ^ ((mask >>> (8 * (i & 3))) & 255)`. Valid during the call only. Text is UTF-8.
   */
  onMessage(source: Uint8Array, start: number, end: number, mask: number, isBinary: boolean): void;
  /** A fragment has come whole that does not end its message. */
  onFragment(): void;
  /** Valid during the call only, as is that of a pong. */
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** @param code 1005 when there was none */
  onClose(code: number, reason: string): void;
  onFault(code: FaultCode, reason: string): void;
}

/** Takes the messages of one peer apart again that it has compressed. */
export interface Inflater {
  /** @returns undefined when it would be more than `maxBytes`. @throws what is not compressed rightly */
  inflate(payload: Uint8Array, maxBytes: number): Uint8Array | undefined;
}

/**
 * Shorter messages stay under their mask, texts if they are ASCII: it is taken off while they are copied. Of longer ones it is
 * taken off first where that is one fast call, and for the one that looks at text.
 */
const MAX_SCAN_BYTES = 512;
/** A header that was cut, or a control frame, with what has come since: that is enough to go on in the piece itself. */
const scratch = Buffer.alloc(MAX_HEADER_BYTES + MAX_CONTROL_BYTES);
const NOTHING = new Uint8Array(0);

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxPayload: number;
  readonly #inflater: Inflater | undefined;
  /** Bytes that nobody has looked at: a part of a header or of a control frame, or what came in a pause. */
  #rest: Uint8Array | undefined = undefined;
  #message: Message | undefined = undefined;
  /** True while what comes is kept for later. */
  #isPaused = false;
  #isOver = false;

  constructor(sink: FrameSink, maxPayload: number, inflater?: Inflater) {
    this.#sink = sink;
    this.#maxPayload = maxPayload;
    this.#inflater = inflater;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Hands nothing over from now on, not even what has been read. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Goes on, with what came meanwhile first: calls the sink. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.read(rest, rest.length);
  }

  /** Reads no more: what came and what comes is forgotten. */
  stop(): void {
    this.#isOver = true;
    this.#message?.drop();
    this.#rest = this.#message = undefined;
  }

  /** Reads `chunk[0…end)`, which may be written to, and is not kept. hot: once per read of the socket. */
  read(chunk: Uint8Array, end: number): void {
    if (this.#isOver) return;
    let at = 0;
    if (this.#isPaused) this.#rest = Buffer.concat([this.#rest ?? NOTHING, chunk.subarray(0, end)]);
    else {
      if (this.#rest !== undefined) at = this.#readRest(this.#rest, chunk, end);
      at = this.#readFrames(chunk, at, end);
      if (at < end && !this.#isOver) this.#rest = Uint8Array.prototype.slice.call(chunk, at, end);
    }
  }

  /** Goes on with a frame that was cut in its header. @returns how far it came in the chunk */
  #readRest(rest: Uint8Array, chunk: Uint8Array, end: number): number {
    const taken = Math.min(end, scratch.length - rest.length);
    const both = rest.length + taken;
    scratch.set(rest);
    scratch.set(chunk.subarray(0, taken), rest.length);
    this.#rest = undefined;
    const done = this.#readFrames(scratch, 0, both);
    if (done > 0) return done - rest.length;
    // Still not whole, so the chunk has no more.
    this.#rest = Uint8Array.prototype.slice.call(scratch, 0, both);
    return end;
  }

  /** @returns where the first frame begins that was not looked at. hot: the loop over all that comes */
  #readFrames(chunk: Uint8Array, start: number, end: number): number {
    const words = wordsOf(chunk);
    let at = start;
    if (this.#message !== undefined && this.#message.missing > 0)
      at = this.#fill(this.#message, chunk, at, end);
    while (end - at >= 2 && !this.#isPaused && !this.#isOver) {
      const first = chunk[at]!;
      const second = chunk[at + 1]!;
      const isPlain = (first === (FIN | Opcode.Binary) || first === (FIN | Opcode.Text)) && second >= MASKED;
      if (!isPlain || this.#message !== undefined) {
        const fault = faultOf(first, second, this.#message !== undefined, this.#inflater !== undefined);
        if (fault !== undefined) return this.#fail(1002, fault, end);
      }
      let length = second & 0x7f;
      let payload = at + 2 + MASK_BYTES;
      if (length === 126) {
        payload += 2;
        if (payload - MASK_BYTES > end) break;
        length = words.getUint16(at + 2);
        if (length < 126) return this.#fail(1002, 'a length in more bytes than it needs', end);
      } else if (length === 127) {
        payload += 8;
        if (payload - MASK_BYTES > end) break;
        const high = words.getUint32(at + 2);
        length = high * 0x1_0000_0000 + words.getUint32(at + 6);
        if (length < 0x1_0000) return this.#fail(1002, 'a length in more bytes than it needs', end);
        if (high >= 0x8000_0000) return this.#fail(1002, 'a length of over 63 bits', end);
      }
      if (length > this.#maxPayload && length > this.#mostFor(first)) return this.#failTooLarge(end);
      if (payload > end) break;
      const mask = words.getInt32(payload - MASK_BYTES, true);
      const next = payload + length;
      if ((first & 0x08) !== 0) {
        if (next > end) break;
        unmask(chunk, payload, next, mask);
        this.#onControl(first & 0x0f, chunk.subarray(payload, next) as Buffer);
      } else if (isPlain && next <= end && this.#message === undefined) {
        this.#onWhole(chunk, payload, next, mask, first === (FIN | Opcode.Binary));
      } else {
        const message = (this.#message ??= new Message(
          (first & 0x0f) === Opcode.Binary,
          (first & RSV1) !== 0,
        ));
        if (message.length + length > this.#mostFor(first)) return this.#failTooLarge(end);
        message.missing = length;
        message.mask = mask;
        message.isLast = (first & FIN) !== 0;
        at = this.#fill(message, chunk, payload, end);
        continue;
      }
      at = next;
    }
    return at;
  }

  /** A message in one frame that lies in one piece. hot: once per message */
  #onWhole(chunk: Uint8Array, start: number, end: number, mask: number, isBinary: boolean): void {
    let left = mask;
    const isLong = end - start > MAX_SCAN_BYTES;
    if (isBinary ? isLong && chunk === readMemory : isLong || !isMaskedAscii(chunk, start, end, mask)) {
      unmask(chunk, start, end, mask);
      left = 0;
      if (!isBinary && !isUtf8(chunk.subarray(start, end))) {
        this.#fail(1007, 'invalid UTF-8', end);
        return;
      }
    }
    this.#sink.onMessage(chunk, start, end, left, isBinary);
  }

  /** Goes on with a data frame that came in pieces, or is one of several. @returns how far it came in the chunk */
  #fill(message: Message, chunk: Uint8Array, start: number, end: number): number {
    const at = message.take(chunk, start, end);
    if (!message.isRight()) return this.#fail(1007, 'invalid UTF-8', end);
    if (message.missing > 0) return at;
    if (!message.isLast) {
      this.#sink.onFragment();
      return at;
    }
    this.#message = undefined;
    if (message.isCompressed) this.#onCompressed(message);
    else this.#sink.onMessage(message.bytes, 0, message.length, 0, message.isBinary);
    message.drop();
    return at;
  }

  #onCompressed({ bytes, length, isBinary }: Message): void {
    let inflated: Uint8Array | undefined;
    try {
      inflated = this.#inflater!.inflate(bytes.subarray(0, length), this.#maxPayload);
    } catch {
      this.#fail(1007, 'invalid compression', 0);
      return;
    }
    if (inflated === undefined) this.#failTooLarge(0);
    else if (!isBinary && !isUtf8(inflated)) this.#fail(1007, 'invalid UTF-8', 0);
    else this.#sink.onMessage(inflated, 0, inflated.length, 0, isBinary);
  }

  #onControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.Ping) this.#sink.onPing(payload);
    else if (opcode === Opcode.Pong) this.#sink.onPong(payload);
    else {
      const close = readClose(payload);
      if (typeof close === 'number') {
        this.#fail(close, 'invalid close payload', 0);
        return;
      }
      this.stop();
      this.#sink.onClose(close.code, close.reason);
    }
  }

  /** Payload bytes that a message may have on the wire: what cannot be compressed becomes a little longer. */
  #mostFor(first: number): number {
    const isCompressed = this.#message?.isCompressed ?? (first & RSV1) !== 0;
    return isCompressed ? this.#maxPayload + (this.#maxPayload >>> 3) + 64 : this.#maxPayload;
  }

  #failTooLarge(end: number): number {
    return this.#fail(1009, `message over ${this.#maxPayload} bytes`, end);
  }

  /** @returns the end of what is to be read: nothing behind a fault counts */
  #fail(code: FaultCode, reason: string, end: number): number {
    this.stop();
    this.#sink.onFault(code, reason);
    return end;
  }
}
