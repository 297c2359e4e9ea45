/** Gathers a request's body, bounded in bytes and in the time that its pieces take. */
import type { Readable } from 'node:stream';
import { BodyBuffer } from '../../body-buffer.js';

/** Pieces of a body, as its sender cut it, that may come in one turn of the loop: about 50 ms of work. */
const MAX_PIECES = 32 * 1024;
/** Beyond twice what is kept, so much of a body that is too long is read, so that its sender may read the answer. */
const MARGIN_BYTES = 64 * 1024;

export interface BodyReader {
  /** @param body undefined as soon as it is known to be too long */
  done(body: Uint8Array | undefined): void;
  /** It takes too much: its connection is to be cut. */
  cut(): void;
}

export function gatherBody(source: Readable, maxBytes: number, reader: BodyReader): void {
  const body = new BodyBuffer(maxBytes);
  let size = 0;
  let pieces = 0;
  source.on('data', (piece: Buffer) => {
    const before = size;
    size += piece.length;
    if (++pieces === 1)
      setImmediate(() => {
        pieces = 0;
      });
    if (pieces > MAX_PIECES || size > 2 * maxBytes + MARGIN_BYTES) reader.cut();
    else if (size <= maxBytes) body.add(piece);
    else if (before <= maxBytes) {
      body.clear();
      reader.done(undefined);
    }
  });
  source.on('end', () => {
    if (size <= maxBytes) reader.done(body.bytes);
  });
}
