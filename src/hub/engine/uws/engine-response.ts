/** How a response is written with the engine so that it arrives whole, and is bounded while nobody reads it. */
import type { HeaderList } from '../../../util/headers.js';
import type { UwsResponse } from './uws.js';

/**
 * The longest piece of a response in pieces, in bytes. The engine gathers a piece and the line with its length in a
 * buffer of 16 KiB; a piece that does not fit is lost when the kernel has no room for that line.
 */
export const PIECE_BYTES = 16 * 1024 - 64;
/** One of so many responses without a body closes its connection. */
const EMPTY_PER_CLOSE = 256;

/** Header values are byte strings (RFC 9110 §5.5), the engine's strings UTF-8. */
export function writeHead(res: UwsResponse, status: string, headers: HeaderList): void {
  // The engine's own, and a call less.
  if (status !== '200 OK') res.writeStatus(status);
  for (const [name, value] of headers)
    res.writeHeader(name, /[^\0-\x7f]/.test(value) ? Buffer.from(value, 'latin1') : value);
}

/**
 * Sends a response with a body of a known length, which is not read after the call.
 *
 * The engine's `end` buffers what the client does not take, for as many requests as it sends, and loses a body of over
 * 16 KiB when the kernel has no room for the headers. `tryEnd` does neither: who asks for more than it reads is cut off.
 *
 * @param res must have a handler for its abortion
 * @param onSent called when the body has left, unless the client is gone first
 */
export function writeWhole(
  res: UwsResponse,
  status: string,
  headers: HeaderList,
  body: string | Uint8Array,
  closeConnection: boolean,
  onSent?: () => void,
): void {
  res.cork(() => {
    writeHead(res, status, headers);
    // Text as the engine encodes it may be no UTF-8.
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (closeConnection || (bytes.length === 0 && mustCloseEmpty())) {
      // No request comes behind it. It is small, or its connection is new: the kernel has room for the headers.
      res.end(bytes, true);
      onSent?.();
      return;
    }
    const [hasLeft] = res.tryEnd(bytes, bytes.length);
    if (hasLeft) onSent?.();
    else sendRest(res, bytes, onSent);
  });
}

function sendRest(res: UwsResponse, bytes: Uint8Array, onSent: (() => void) | undefined): void {
  const start = res.getWriteOffset();
  const rest = Uint8Array.prototype.slice.call(bytes, start);
  res.onWritable((offset) => {
    const [hasLeft] = res.tryEnd(rest.subarray(offset - start), bytes.length);
    if (hasLeft) onSent?.();
    return hasLeft;
  });
}

/**
 * Sends a response that is a head alone.
 *
 * @param length of the body that is left out; undefined when it is not told
 * @returns true when the connection is to be closed once the head has left
 */
export function writeEmpty(
  res: UwsResponse,
  status: string,
  headers: HeaderList,
  length: number | undefined,
  closeConnection: boolean,
): boolean {
  const mustClose = closeConnection || mustCloseEmpty();
  // Told of a length, the engine waits for that body for good, and neither closes the connection nor lets another request in.
  const isDue = mustClose && Boolean(length);
  res.cork(() => {
    writeHead(res, status, headers);
    if (isDue) {
      res.writeHeader('Connection', 'close');
      res.tryEnd(new Uint8Array(0), length!);
    } else if (mustClose) {
      res.endWithoutBody(0, true);
    } else {
      if (length !== undefined) res.writeHeader('Content-Length', String(length));
      // With an argument that is undefined it would tell a length of its own.
      res.endWithoutBody();
    }
  });
  return isDue;
}

/**
 * True when a response without a body has to close its connection: the engine takes such a response as sent also when
 * nobody reads it, and the next request then, without end. By chance, so that no client can choose which.
 */
function mustCloseEmpty(): boolean {
  return Math.random() < 1 / EMPTY_PER_CLOSE;
}
