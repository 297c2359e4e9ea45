/** What is given to be sent, as the bytes and the kind of a frame. */
import { asBytes } from './bytes.js';

export interface Frame {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

/**
 * A string as text, bytes as binary, sharing their memory; undefined for anything else.
 *
 * @throws HubError `ERR_DATA_TYPE` for bytes whose memory is gone
 */
export function asFrame(data: unknown): Frame | undefined {
  if (typeof data === 'string') return { bytes: Buffer.from(data), isBinary: false };
  const bytes = asBytes(data);
  return bytes && { bytes, isBinary: true };
}
