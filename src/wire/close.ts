/** The payload of close records: the code as uint16, then the reason in UTF-8 (as in a close frame, RFC 6455 §5.5.1). */
import { toUSVString } from 'node:util';
import { isSendableCloseCode, MAX_CLOSE_REASON_BYTES } from '../api/close-codes.js';
import { describe, HubError } from '../api/errors.js';

/** @throws HubError `ERR_CLOSE_ARGUMENT` for a code that may not be sent (RFC 6455 §7.4) */
export function checkCloseCode(code: number): void {
  if (isSendableCloseCode(code)) return;
  throw new HubError(
    'ERR_CLOSE_ARGUMENT',
    `close got the code ${describe(code)} but takes 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999`,
  );
}

export function encodeClose(code: number, reason: string): Uint8Array {
  const text = truncateReason(reason);
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(text));
  payload.writeUInt16BE(code, 0);
  payload.write(text, 2);
  return payload;
}

export function decodeClose(payload: Uint8Array): { code: number; reason: string } {
  const bytes = Buffer.from(payload);
  return { code: bytes.readUInt16BE(0), reason: bytes.toString('utf8', 2) };
}

/**
 * The longest start of a reason that fits a close frame without cutting a character in two. Half a surrogate pair is
 * U+FFFD, as in all text that is encoded: the engine would write what is no UTF-8.
 */
export function truncateReason(text: string): string {
  if (text === '') return text;
  // No character of the rest can fit.
  const reason = toUSVString(text.slice(0, MAX_CLOSE_REASON_BYTES + 1));
  if (Buffer.byteLength(reason) <= MAX_CLOSE_REASON_BYTES) return reason;
  let end = 0;
  let bytes = 0;
  for (const character of reason) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_CLOSE_REASON_BYTES) break;
    end += character.length;
  }
  return reason.slice(0, end);
}
