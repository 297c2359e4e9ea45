/**
 * Frames on the socket between a relay and its nodes, in both directions: a length (uint32), what kind it is (uint8), a text
 * behind its length (uint32), and bytes. I/O thread.
 */
import type { Socket } from 'node:net';
import { MAX_WAITING_BYTES } from '../broker.js';

/** Of all that is said here: who does not know it is told so, and sent away. */
export const RELAY_VERSION = 1;

export const Kind = {
  /** The first of both sides: JSON of {@link Hello}. */
  Hello: 1,
  /** The text is a topic, the bytes are an encoded message. */
  Plain: 2,
  /** The text is a channel. */
  Signal: 3,
  /** To the relay; the text is a topic. */
  Unfollow: 4,
  /** To the relay; the text is a channel. */
  Unlisten: 5,
  /** To the relay: JSON of a `Question`; the bytes are an encoded message, where there is one. */
  Ask: 6,
  /** From the relay: JSON of an `Answer`; the bytes are encoded messages, one behind the other. */
  Answer: 7,
  /** From the relay: JSON of a `Place`; the bytes are an encoded message. */
  Publication: 8,
  /** From the relay: something was left out, since too much waited for this node. */
  Missed: 9,
} as const;

export interface Hello {
  readonly version: number;
  /** Id of the node; the relay has none. */
  readonly node?: string;
}

const LENGTH_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + 5;
/** At least as many as a text takes: the longest is that of an answer with 10,000 publications. */
const ENVELOPE_BYTES = 1024 * 1024;
/** Of one encoded message: beside it nothing else can wait. */
export const MAX_MESSAGE_BYTES = MAX_WAITING_BYTES - ENVELOPE_BYTES;
const MAX_FRAME_BYTES = MAX_WAITING_BYTES + ENVELOPE_BYTES;
/** So much is not kept for the end of the turn. */
const FLUSH_BYTES = 64 * 1024;

export type OnFrame = (kind: number, text: string, bytes: Buffer) => void;

/** Takes frames out of what comes in pieces. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** So many there must be before it is worth a look. */
  #needed = LENGTH_BYTES;

  /** @param onFrame gets a part of what came: who keeps it for long keeps all of it, so a copy is better */
  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** False for what is no frame, or one that `onFrame` cannot read: nothing that follows makes sense. */
  read(piece: Buffer): boolean {
    try {
      return this.#read(piece);
    } catch {
      return false;
    }
  }

  #read(piece: Buffer): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes < this.#needed) return true;
    const all = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    let at = 0;
    this.#needed = LENGTH_BYTES;
    while (all.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + all.readUInt32BE(at);
      const textAt = at + HEAD_BYTES;
      if (end < textAt || end - at > MAX_FRAME_BYTES) return false;
      if (end > all.length) {
        this.#needed = end - at;
        break;
      }
      const bytesAt = textAt + all.readUInt32BE(textAt - 4);
      if (bytesAt > end) return false;
      this.#onFrame(
        all[at + LENGTH_BYTES]!,
        all.toString('utf8', textAt, bytesAt),
        all.subarray(bytesAt, end),
      );
      at = end;
    }
    this.#pieces = at === all.length ? [] : [all.subarray(at)];
    this.#bytes = all.length - at;
    return true;
  }
}

const NONE = Buffer.alloc(0);

/** Writes frames: those of a turn at once. */
export class FrameWriter {
  readonly #socket: Socket;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the system has not taken. */
  get waitingBytes(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  /** hot: once for each publication that crosses. The bytes are not changed any more. */
  write(kind: number, text: string, bytes: Uint8Array = NONE): void {
    const textBytes = Buffer.byteLength(text);
    const head = Buffer.allocUnsafe(HEAD_BYTES + textBytes);
    head.writeUInt32BE(HEAD_BYTES - LENGTH_BYTES + textBytes + bytes.length, 0);
    head[LENGTH_BYTES] = kind;
    head.writeUInt32BE(textBytes, HEAD_BYTES - 4);
    head.write(text, HEAD_BYTES);
    if (this.#bytes === 0) setImmediate(this.flush);
    this.#pieces.push(head, bytes);
    this.#bytes += head.length + bytes.length;
    if (this.#bytes >= FLUSH_BYTES) this.flush();
  }

  readonly flush = (): void => {
    if (this.#bytes === 0) return;
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(this.#pieces, this.#bytes));
    this.#pieces = [];
    this.#bytes = 0;
  };
}
