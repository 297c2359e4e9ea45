/** Input for fuzzing: handshakes and frames that are valid, then damaged in one place, and cut into writes anywhere. */
import fc from 'fast-check';
import { handshakeRequest } from '../clients/raw-client.js';
import { closePayload, encodeFrame, type FrameInput, Opcode } from './frames.js';

const mask = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** A place as a part of the whole: doubles of the generator are nearly all next to 0. */
const spot = fc.nat(99_999).map((part) => part / 100_000);
const fragment = fc.uint8Array({ maxLength: 300 });
const letters = fc.string({ unit: 'grapheme', maxLength: 300, size: 'max' });

/** A message in one to four fragments, with a ping or a pong here and there. */
const message: fc.Arbitrary<FrameInput[]> = fc
  .record({
    payload: fc.oneof(
      letters.map((text) => ({ opcode: Opcode.Text as number, bytes: Buffer.from(text) })),
      fragment.map((bytes) => ({ opcode: Opcode.Binary as number, bytes: Buffer.from(bytes) })),
      fc
        .integer({ min: 0, max: 3000 })
        .map((size) => ({ opcode: Opcode.Binary as number, bytes: Buffer.alloc(size, 'fuzz') })),
    ),
    cuts: fc.array(spot, { maxLength: 3 }),
    mask,
    control: fc.option(
      fc.record({
        opcode: fc.constantFrom(Opcode.Ping, Opcode.Pong),
        payload: fc.uint8Array({ maxLength: 125 }),
        mask,
      }),
    ),
  })
  .map(({ payload: { opcode, bytes }, cuts, mask: key, control }) => {
    const pieces = cutAt(bytes, cuts);
    return pieces.flatMap((payload, index): FrameInput[] => [
      ...(control && index === pieces.length - 1 ? [control] : []),
      {
        opcode: index === 0 ? opcode : Opcode.Continuation,
        payload,
        fin: index === pieces.length - 1,
        mask: key,
      },
    ]);
  });

/** Frames in a valid order. */
export const conversation: fc.Arbitrary<FrameInput[]> = fc
  .array(message, { minLength: 1, maxLength: 6 })
  .map((messages) => messages.flat());

/** Where to cut bytes into writes, as parts of the whole. */
export const cuts = fc.array(spot, { maxLength: 8 });

export function cutAt(bytes: Buffer, parts: readonly number[]): Buffer[] {
  const at = parts.map((part) => Math.round(part * bytes.length)).sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const pick = (part: number, length: number): number => Math.floor(part * length);

type Damage = (frames: FrameInput[]) => Buffer;
const join = (frames: FrameInput[]): Buffer => Buffer.concat(frames.map(encodeFrame));

/** Damages the bytes of all frames. */
const onBytes =
  (change: (bytes: Buffer) => Buffer): Damage =>
  (frames) =>
    change(join(frames));

/** Damages one frame. */
const onFrame =
  (part: number, change: (frame: FrameInput) => FrameInput): Damage =>
  (frames) =>
    join(frames.with(pick(part, frames.length), change(frames[pick(part, frames.length)]!)));

const flipBit = fc.record({ part: spot, bit: fc.nat(7) }).map(({ part, bit }) =>
  onBytes((bytes) => {
    bytes[pick(part, bytes.length)]! ^= 1 << bit;
    return bytes;
  }),
);
/** In the first two bytes of a frame, where most rules are. */
const flipHeadBit = fc.record({ part: spot, bit: fc.nat(15) }).map(
  ({ part, bit }): Damage =>
    (frames) => {
      const encoded = frames.map(encodeFrame);
      encoded[pick(part, encoded.length)]![bit >> 3]! ^= 1 << (bit & 7);
      return Buffer.concat(encoded);
    },
);
const cutOff = spot.map((part) => onBytes((bytes) => bytes.subarray(0, pick(part, bytes.length))));
const cutOut = spot.map((part) =>
  onBytes((bytes) => {
    const at = pick(part, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  }),
);
const duplicate = spot.map((part) =>
  onBytes((bytes) => {
    const at = pick(part, bytes.length);
    return Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at)]);
  }),
);
const insert = fc
  .record({ part: spot, bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }) })
  .map(({ part, bytes: more }) =>
    onBytes((bytes) => {
      const at = pick(part, bytes.length);
      return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
    }),
  );
const length = fc.oneof(fc.nat(70_000), fc.constantFrom(125, 126, 65_535, 65_536, 2 ** 32, 2 ** 53, 2 ** 63));
const wrongLength = fc
  .record({ part: spot, claimedLength: length })
  .map(({ part, claimedLength }) => onFrame(part, (frame) => ({ ...frame, claimedLength })));
const reserved = fc
  .record({ part: spot, rsv: fc.integer({ min: 1, max: 7 }) })
  .map(({ part, rsv }) => onFrame(part, (frame) => ({ ...frame, rsv })));
const otherOpcode = fc
  .record({ part: spot, opcode: fc.nat(15) })
  .map(({ part, opcode }) => onFrame(part, (frame) => ({ ...frame, opcode })));
const unmasked = spot.map((part) => onFrame(part, (frame) => ({ ...frame, mask: false })));
const notFinal = spot.map((part) => onFrame(part, (frame) => ({ ...frame, fin: !frame.fin })));
const badClose = fc
  .record({ part: spot, code: fc.nat(65_535), reason: fc.uint8Array({ maxLength: 130 }), mask })
  .map(({ part, code, reason, mask: key }) =>
    onFrame(part, () => ({ opcode: Opcode.Close, payload: closePayload(code, reason), mask: key })),
  );
/** Fragments, and whole messages with them, in another order. */
const reorder = fc.record({ from: spot, to: spot }).map(
  ({ from, to }): Damage =>
    (frames) => {
      const moved = frames.toSpliced(pick(from, frames.length), 1);
      return join(moved.toSpliced(pick(to, frames.length), 0, frames[pick(from, frames.length)]!));
    },
);

const damage = fc.oneof(
  flipBit,
  flipHeadBit,
  cutOff,
  cutOut,
  duplicate,
  insert,
  wrongLength,
  reserved,
  otherOpcode,
  unmasked,
  notFinal,
  badClose,
  reorder,
);

/** Valid frames with one damage, as the writes that carry them. */
export const damagedFrames: fc.Arbitrary<Buffer[]> = fc
  .record({ frames: conversation, damage, cuts })
  .map(({ frames, damage: apply, cuts: parts }) => cutAt(apply(frames), parts));

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array));

/** Bytes without any sense, as writes. */
export const noise: fc.Arbitrary<Buffer[]> = fc
  .record({ bytes: bytes(600), cuts })
  .map(({ bytes: all, cuts: parts }) => cutAt(all, parts));

const KEY = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };

/** What comes instead of a handshake: noise, or a handshake with noise in it, or behind a part of it. */
export function notAHandshake(port: number): fc.Arbitrary<Buffer[]> {
  const request = Buffer.from(handshakeRequest(port, { headers: KEY }));
  const spoiled = fc.array(fc.record({ part: spot, byte: fc.nat(255) }), { minLength: 1, maxLength: 4 });
  return fc.oneof(
    noise,
    fc.record({ spoiled, cuts }).map(({ spoiled: places, cuts: parts }) => {
      const copy = Buffer.from(request);
      for (const { part, byte } of places) copy[pick(part, copy.length)] = byte;
      return cutAt(copy, parts);
    }),
    fc
      .record({ part: spot, noise })
      .map(({ part, noise: rest }) => [request.subarray(0, pick(part, request.length)), ...rest]),
  );
}
