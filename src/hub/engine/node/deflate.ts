/**
 * permessage-deflate (RFC 7692) with zlib's public calls, one message at a time, so that messages keep their order. Where
 * the two sides keep a window, what was in earlier messages is handed in as a dictionary: a connection costs at most its
 * two windows of 8 KiB, and not the 300 KiB that zlib keeps for a pair of streams. I/O thread.
 */
import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import type { DeflateAgreement } from './deflate-agreement.js';
import type { Inflater } from './frame-reader.js';

/** Ends each message on the wire, and is left out there (§7.2.1). */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
/** An empty message, compressed (§7.2.3.6). */
const NO_BLOCK = Buffer.from([0]);
const EMPTY = Buffer.alloc(0);

/** The last bytes of all messages of one direction. */
class Window {
  readonly #size: number;
  bytes: Buffer = EMPTY;

  constructor(bits: number) {
    this.#size = bits === 0 ? 0 : 2 ** bits;
  }

  get isKept(): boolean {
    return this.#size > 0;
  }

  push(message: Uint8Array): void {
    const size = this.#size;
    if (size === 0 || message.length === 0) return;
    const kept = Math.min(this.bytes.length, Math.max(0, size - message.length));
    this.bytes = Buffer.concat([
      this.bytes.subarray(this.bytes.length - kept),
      message.subarray(Math.max(0, message.length - size)),
    ]);
  }
}

/**
 * By the bits of the window: what became of messages that many are sent, where nothing is kept of earlier ones. For as long
 * as the message itself is held.
 */
const shared: readonly WeakMap<Uint8Array, Uint8Array>[] = Array.from({ length: 16 }, () => new WeakMap());

/** What zlib returns with `info`. */
interface Inflated {
  readonly buffer: Buffer;
  /** How much of what it was given it has read. */
  readonly engine: { readonly bytesWritten: number };
}

/** Compresses and inflates the messages of one connection. */
export class Deflate implements Inflater {
  readonly #in: Window;
  readonly #out: Window;
  readonly #serverBits: number;

  constructor({ serverBits, keptOut, keptIn }: DeflateAgreement) {
    this.#in = new Window(keptIn);
    this.#out = new Window(keptOut);
    this.#serverBits = serverBits;
  }

  /**
   * @returns undefined when it would be more than `maxBytes`: it is not inflated any further
   * @throws what is not compressed rightly
   */
  inflate(payload: Uint8Array, maxBytes: number): Uint8Array | undefined {
    try {
      const whole = Buffer.concat([payload, TAIL]);
      const { buffer: inflated, engine } = inflateRawSync(whole, {
        finishFlush: constants.Z_SYNC_FLUSH,
        // zlib takes 0 for no bound.
        maxOutputLength: Math.max(1, maxBytes),
        info: true,
        ...dictionaryOf(this.#in),
      }) as unknown as Inflated;
      // zlib stops behind a block that says it is the last one: a message with more behind it would be cut without a word.
      if (whole.length - engine.bytesWritten > 1 + TAIL.length) throw new Error('data behind the last block');
      this.#in.push(inflated);
      return inflated;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
      throw error;
    }
  }

  /**
   * @param payload is not read after the call
   * @param isShared it never changes, and is compressed once for all whose window is the same
   */
  deflate(payload: Uint8Array, isShared = false): Uint8Array {
    if (payload.length === 0) return NO_BLOCK;
    if (!isShared || this.#out.isKept) return this.#deflate(payload);
    const others = shared[this.#serverBits]!;
    let deflated = others.get(payload);
    if (deflated === undefined) {
      deflated = this.#deflate(payload);
      others.set(payload, deflated);
    }
    return deflated;
  }

  #deflate(payload: Uint8Array): Uint8Array {
    const deflated = deflateRawSync(payload, {
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: this.#serverBits,
      ...dictionaryOf(this.#out),
    });
    this.#out.push(payload);
    return deflated.subarray(0, deflated.length - TAIL.length);
  }
}

function dictionaryOf({ bytes }: Window): ZlibOptions {
  return bytes.length === 0 ? {} : { dictionary: bytes };
}
