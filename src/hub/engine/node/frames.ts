/** What frames are made of (RFC 6455 §5.2), what they may be, and what a close frame says. Pure. */
import { isUtf8 } from 'node:buffer';
import { isSendableCloseCode } from '../../../api/close-codes.js';

export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

export const FIN = 0x80;
/** On the first frame of a message that is compressed (RFC 7692 §7.2.3). */
export const RSV1 = 0x40;
export const MASKED = 0x80;
export const MASK_BYTES = 4;
/** Payload bytes of a control frame (§5.5). */
export const MAX_CONTROL_BYTES = 125;
/** Bytes of the longest header, with its mask. */
export const MAX_HEADER_BYTES = 14;
/** A close frame without a code (§7.4.1). Never sent. */
export const NO_CODE = 1005;

const RSV = 0x70;
const OPCODE = 0x0f;
const CONTROL = 0x08;
const LENGTH = 0x7f;

/**
 * What is wrong with a frame by its first two bytes; undefined if nothing is.
 *
 * @param isInside a message in fragments has begun
 * @param isDeflated the two sides have agreed to compress
 */
export function faultOf(
  first: number,
  second: number,
  isInside: boolean,
  isDeflated: boolean,
): string | undefined {
  const opcode = first & OPCODE;
  const isControl = (opcode & CONTROL) !== 0;
  if (opcode > (isControl ? Opcode.Pong : Opcode.Binary)) return `opcode ${opcode} is reserved`;
  const mayBeDeflated = isDeflated && !isControl && opcode !== Opcode.Continuation;
  if ((first & RSV & ~(mayBeDeflated ? RSV1 : 0)) !== 0) return 'a reserved bit is set';
  if ((second & MASKED) === 0) return 'the frame is not masked';
  if (isControl) {
    if ((first & FIN) === 0) return 'a control frame in fragments';
    return (second & LENGTH) > MAX_CONTROL_BYTES ? 'a control frame of over 125 bytes' : undefined;
  }
  if (isInside && opcode !== Opcode.Continuation) return 'a message inside another one';
  return !isInside && opcode === Opcode.Continuation ? 'a continuation of nothing' : undefined;
}

export interface ClosePayload {
  readonly code: number;
  readonly reason: string;
}

/** What a close frame says; the code of the fault, 1002 or 1007, when it says what it may not (§5.5.1, §7.4). */
export function readClose(payload: Buffer): ClosePayload | 1002 | 1007 {
  if (payload.length === 0) return { code: NO_CODE, reason: '' };
  if (payload.length === 1) return 1002;
  const code = payload.readUInt16BE();
  if (!isSendableCloseCode(code)) return 1002;
  if (!isUtf8(payload.subarray(2))) return 1007;
  return { code, reason: payload.toString('utf8', 2) };
}

/** Bytes of the header in front of an unmasked payload. hot */
export function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}

/** Writes the header of an unmasked frame. @returns where its payload goes. hot: once per frame */
export function writeHeader(target: Uint8Array, at: number, first: number, length: number): number {
  target[at] = first;
  if (length < 126) {
    target[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    target[at + 1] = 126;
    target[at + 2] = length >>> 8;
    target[at + 3] = length;
    return at + 4;
  }
  target[at + 1] = 127;
  let left = length;
  for (let i = at + 9; i > at + 1; i--) {
    target[i] = left;
    left = Math.floor(left / 256);
  }
  return at + 10;
}

/** What a close frame says. */
export function makeClosePayload(code: number, reason: string): Buffer {
  const payload = Buffer.from(`..${reason}`);
  payload.writeUInt16BE(code);
  return payload;
}
