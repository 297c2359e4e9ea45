/** WebSocket frames as bytes (RFC 6455 §5.2): an encoder that may break every rule, and a decoder of what a server sends. */
import { randomBytes } from 'node:crypto';

export const Opcode = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa,
} as const;

export interface Frame {
  readonly fin: boolean;
  /** The three reserved bits, 0 to 7. */
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

export interface FrameInput {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  readonly fin?: boolean;
  readonly rsv?: number;
  /** `false` sends it unmasked, which a client must not do; a buffer is used as the mask. */
  readonly mask?: boolean | Uint8Array;
  /** Claims this length instead of the payload's own. */
  readonly claimedLength?: number;
}

export function encodeFrame(input: FrameInput): Buffer {
  const payload = Buffer.from(input.payload ?? '');
  const mask = input.mask === false ? undefined : Buffer.from(pickMask(input.mask));
  const first = ((input.fin ?? true) ? 0x80 : 0) | ((input.rsv ?? 0) << 4) | input.opcode;
  const head = encodeHead(first, input.claimedLength ?? payload.length, mask !== undefined);
  if (mask === undefined) return Buffer.concat([head, payload]);
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i]! ^= mask[i & 3]!;
  return Buffer.concat([head, mask, masked]);
}

function pickMask(mask: boolean | Uint8Array | undefined): Uint8Array {
  return mask === undefined || typeof mask === 'boolean' ? randomBytes(4) : mask;
}

function encodeHead(first: number, length: number, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  if (length < 126) return Buffer.from([first, bit | length]);
  if (length < 65_536) {
    const head = Buffer.from([first, bit | 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.from([first, bit | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** Payload of a close frame. */
export function closePayload(code: number, reason: string | Uint8Array = ''): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** Where a decoder gets its bytes: `undefined` once the stream has ended before so many came. */
export type Take = (count: number) => Promise<Buffer | undefined>;

/** The next frame, or `undefined` at the end of the stream. */
export async function readFrame(take: Take): Promise<Frame | undefined> {
  const head = await take(2);
  if (head === undefined) return undefined;
  const masked = (head[1]! & 0x80) !== 0;
  const length = await readLength(head[1]! & 0x7f, take);
  const mask = masked ? await take(4) : undefined;
  const payload = length === undefined ? undefined : await take(length);
  if (payload === undefined || (masked && mask === undefined)) return undefined;
  if (mask) for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i & 3]!;
  return { fin: head[0]! >= 0x80, rsv: (head[0]! >> 4) & 7, opcode: head[0]! & 0xf, masked, payload };
}

async function readLength(short: number, take: Take): Promise<number | undefined> {
  if (short < 126) return short;
  const bytes = await take(short === 126 ? 2 : 8);
  if (bytes === undefined) return undefined;
  return short === 126 ? bytes.readUInt16BE() : Number(bytes.readBigUInt64BE());
}
