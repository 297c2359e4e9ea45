/**
 * A message on its way through a handler. Its payload lies in the ring or in the arena until it is read;
 * `keep` copies it out of memory that is about to be reused.
 */
import { isUtf8 } from 'node:buffer';
import { BadMessageError } from '../api/bad-message.js';
import { HubError } from '../api/errors.js';
import type { Handler, Message } from '../api/handler.js';
import type { InboundReader } from '../wire/inbound.js';

export class InboundMessage implements Message {
  readonly isBinary: boolean;
  readonly byteLength: number;
  /** Position of its record, by which the I/O thread finds the payload. */
  readonly position: number;
  #source: InboundReader | undefined;
  #bytes: Uint8Array | undefined;
  #text: string | undefined;

  /** @param source holds the payload of the record at `position` */
  constructor(isBinary: boolean, position: number, byteLength: number, source: InboundReader) {
    this.isBinary = isBinary;
    this.position = position;
    this.byteLength = byteLength;
    this.#source = source;
  }

  /** True for a message itself: a proxy or a clone of one has its prototype, but nothing behind it. */
  static is(value: unknown): value is InboundMessage {
    return typeof value === 'object' && value !== null && #source in value;
  }

  /** True while the I/O thread still holds the payload at `position`. */
  get isInRing(): boolean {
    return this.#source !== undefined;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= this.#read();
    return this.#bytes;
  }

  text(): string {
    this.#text ??= this.#decode();
    return this.#text;
  }

  json(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new BadMessageError('the message is not JSON', { cause });
    }
  }

  /** The bytes that are sent for it. Those of a text are UTF-8, whatever the handler has written to its own. */
  payload(): Uint8Array {
    const { bytes } = this;
    return this.isBinary || isUtf8(bytes) ? bytes : Buffer.from(this.text());
  }

  /** Makes the message independent of the ring. */
  keep(): void {
    // Text that has been decoded can be encoded again; anything else is copied.
    if (this.#bytes === undefined && (this.isBinary || this.#text === undefined)) this.#bytes = this.#read();
    this.expire();
  }

  /** From here on only what has been read already can be read again. */
  expire(): void {
    this.#source = undefined;
  }

  /** The call that got it has finished: the ring may reuse its memory. */
  leave({ payload }: Pick<Handler, 'payload'>): void {
    if (!this.isInRing) return;
    if (payload === 'borrowed') this.expire();
    else this.keep();
  }

  #read(): Uint8Array {
    const source = this.#source;
    if (source === undefined) {
      if (this.#text !== undefined && !this.isBinary) return new TextEncoder().encode(this.#text);
      throw expired();
    }
    const copy = new Uint8Array(this.byteLength);
    copy.set(source.payloadAt(this.position));
    return copy;
  }

  #decode(): string {
    const source = this.#source;
    const bytes = this.#bytes ?? (this.isBinary ? source?.payloadAt(this.position) : undefined);
    // The engine has looked at text.
    if (bytes !== undefined && this.isBinary && !isUtf8(bytes))
      throw new BadMessageError('the message is not UTF-8');
    if (bytes !== undefined) return decodeUtf8(bytes);
    if (source === undefined) throw expired();
    return source.textAt(this.position);
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function expired(): HubError {
  return new HubError(
    'ERR_MESSAGE_EXPIRED',
    "a borrowed message was read after its `message` call had finished; read bytes or text() in time, or leave out payload: 'borrowed'",
  );
}
