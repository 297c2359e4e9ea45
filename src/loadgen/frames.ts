/** WebSocket frames (RFC 6455 §5.2): those of a client ready to be sent, and the headers of a server's. */

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FIN = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The header of an unmasked, unfragmented frame. */
export function serverHeader(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([FIN | opcode, length]);
  if (length < 65_536) return Buffer.from([FIN | opcode, 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = FIN | opcode;
  header[1] = 127;
  header.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
  header.writeUInt32BE(length >>> 0, 6);
  return header;
}

/**
 * A masked frame, with a masking key of zero: the payload is on the wire as it is, and a number in it can be
 * changed in place. An unpredictable key (RFC 6455 §5.3) protects the proxies between browsers and servers
 * from scripts that a user did not write; a load generator sends nothing that somebody else chose.
 */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const header = serverHeader(opcode, payload.length);
  header[1]! |= MASKED;
  return Buffer.concat([header, Buffer.alloc(MASK_BYTES), payload]);
}

export interface FrameHeader {
  readonly opcode: number;
  readonly isFinal: boolean;
  /** Bytes of the header; the payload follows. */
  readonly headerLength: number;
  readonly payloadLength: number;
}

/** What a server may not send, or what this client cannot take. */
export class FrameFault extends Error {}

/**
 * The header of the frame at `at`, or undefined while it is not all there.
 *
 * @throws FrameFault for what no server may send
 */
export function parseFrameHeader(bytes: Buffer, at: number, end: number): FrameHeader | undefined {
  if (end - at < 2) return undefined;
  const [first, second] = [bytes[at]!, bytes[at + 1]!];
  if ((first & 0x70) !== 0) throw new FrameFault('a frame has reserved bits set');
  if ((second & MASKED) !== 0) throw new FrameFault('a frame from the server is masked');
  const opcode = first & 0x0f;
  const isFinal = (first & FIN) !== 0;
  const short = second & 0x7f;
  const isKnown = opcode <= Opcode.binary || (opcode >= Opcode.close && opcode <= Opcode.pong);
  if (!isKnown) throw new FrameFault(`a frame has the unknown opcode ${opcode}`);
  if (opcode >= Opcode.close && (!isFinal || short > 125)) {
    throw new FrameFault('a control frame is fragmented or too long');
  }
  if (short < 126) return { opcode, isFinal, headerLength: 2, payloadLength: short };
  if (short === 126) {
    if (end - at < 4) return undefined;
    return { opcode, isFinal, headerLength: 4, payloadLength: bytes.readUInt16BE(at + 2) };
  }
  if (end - at < 10) return undefined;
  const payloadLength = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
  return { opcode, isFinal, headerLength: 10, payloadLength };
}
