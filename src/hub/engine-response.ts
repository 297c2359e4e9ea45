/** How a response is written with the engine so that it arrives whole, and is bounded while nobody reads it. */
import type { UwsResponse } from './uws.js';

export type HeaderList = readonly (readonly [string, string])[];

/**
 * The longest piece of a response in pieces, in bytes. The engine gathers a piece and the line with its length in a
 * buffer of 16 KiB; a piece that does not fit is lost when the kernel has no room for that line.
 */
export const PIECE_BYTES = 16 * 1024 - 64;

/** Header values are byte strings (RFC 9110 §5.5), the engine's strings UTF-8. */
export function writeHead(res: UwsResponse, status: string, headers: HeaderList): void {
  res.writeStatus(status);
  for (const [name, value] of headers)
    res.writeHeader(name, /[^\0-\x7f]/.test(value) ? Buffer.from(value, 'latin1') : value);
}

/**
 * Sends a response with a body of a known length.
 *
 * The engine's `end` buffers what the client does not take, for as many requests as it sends, and loses a body of over
 * 16 KiB when the kernel has no room for the headers. `tryEnd` does neither: who asks for more than it reads is cut off.
 *
 * @param res must have a handler for its abortion
 * @param body not to be changed afterwards: it may leave bit by bit
 */
export function writeWhole(
  res: UwsResponse,
  status: string,
  headers: HeaderList,
  body: string | Uint8Array,
  closeConnection: boolean,
): void {
  res.cork(() => {
    writeHead(res, status, headers);
    // Nothing comes behind it.
    if (closeConnection) {
      res.end(body, true);
      return;
    }
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const send = (offset: number): boolean => res.tryEnd(bytes.subarray(offset), bytes.byteLength)[0];
    if (!send(0)) res.onWritable(send);
  });
}
