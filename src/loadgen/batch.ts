/**
 * The sending half, shared by the connections of a thread: frames that are ready but for their connection and
 * number, several in one write.
 */
import type { Writable } from 'node:stream';
import { clientFrame, viewOf } from './frames.js';
import { highOf, toWord } from './message.js';

/** What one write holds at most, unless a single frame is larger. */
const BATCH_BYTES = 65_536;

export class FrameBatch {
  readonly #frame: Buffer;
  readonly #headAt: number;
  readonly #slots: number;
  #bytes!: Buffer;
  #view!: DataView;
  /** The first n frames, as a view of n. */
  #views!: Buffer[];

  constructor(opcode: number, payload: Buffer, maxFrames: number) {
    this.#frame = clientFrame(opcode, payload);
    this.#headAt = this.#frame.length - payload.length;
    this.#slots = Math.max(1, Math.min(maxFrames, Math.floor(BATCH_BYTES / this.#frame.length)));
    this.#renew();
  }

  #renew(): void {
    this.#bytes = Buffer.alloc(this.#slots * this.#frame.length, this.#frame);
    this.#view = viewOf(this.#bytes);
    this.#views = [];
  }

  /** Sends `count` messages of a connection, from number `first`. */
  // hot: once per write, its loop once per message
  send(socket: Writable, id: number, first: number, count: number): void {
    for (let done = 0; done < count; done += this.#slots) {
      this.#write(socket, id, first + done, Math.min(this.#slots, count - done));
    }
  }

  #write(socket: Writable, id: number, first: number, count: number): void {
    const [view, step] = [this.#view, this.#frame.length];
    const idWord = toWord(id);
    let at = this.#headAt;
    for (let number = first; number < first + count; number++) {
      view.setInt32(at, idWord);
      view.setInt32(at + 4, toWord(highOf(number)));
      view.setInt32(at + 8, toWord(number));
      at += step;
    }
    const frames = (this.#views[count] ??= this.#bytes.subarray(0, count * step));
    // A socket that is behind, or that encrypts, reads them later: it gets no more than what is sent.
    if (socket.writableLength > 0 || 'encrypted' in socket) socket.write(Buffer.from(frames));
    else {
      socket.write(frames);
      // Unless the kernel took all of it at once, the socket still reads from these bytes.
      if (socket.writableLength > 0) this.#renew();
    }
  }
}
