/** What the application gives to be sent, as bytes. */
import { describe, HubError } from '../errors.js';

/** A string is sent as a text frame, bytes as a binary frame. */
export type Payload = string | Uint8Array | ArrayBuffer;

/**
 * @returns bytes that share memory with `data` where it is bytes
 * @throws HubError `ERR_DATA_TYPE`
 */
export function toPayload(data: Payload): { bytes: Uint8Array; isBinary: boolean } {
  if (typeof data === 'string') return { bytes: Buffer.from(data), isBinary: false };
  if (data instanceof Uint8Array) return { bytes: data, isBinary: true };
  if (data instanceof ArrayBuffer) return { bytes: new Uint8Array(data), isBinary: true };
  throw new HubError(
    'ERR_DATA_TYPE',
    `what is sent is a string, a Uint8Array or an ArrayBuffer, not ${describe(data)}`,
  );
}
