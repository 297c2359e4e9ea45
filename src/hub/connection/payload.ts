/** What the application gives to be sent, as bytes. */
import { describe, HubError } from '../../api/errors.js';
import type { Payload } from '../../api/payload.js';
import { asFrame, type Frame } from '../../wire/frame.js';

/**
 * @returns bytes that share memory with `data` where it is bytes
 * @throws HubError `ERR_DATA_TYPE`
 */
export function toPayload(data: Payload): Frame {
  const frame = asFrame(data);
  if (frame !== undefined) return frame;
  throw new HubError(
    'ERR_DATA_TYPE',
    `what is sent is a string, a Uint8Array or an ArrayBuffer, not ${describe(data)}`,
  );
}
