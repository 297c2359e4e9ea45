/** What a server makes of a series of frames, as its client sees it: written down so that two servers can be compared. */
import { createHash } from 'node:crypto';
import { RawClient } from '../clients/raw-client.js';
import { closePayload, encodeFrame, type Frame, type FrameInput, Opcode } from './frames.js';

/** What goes out in one write: frames, or bytes as they are. */
export type Chunk = readonly FrameInput[] | Buffer;

export interface Outcome {
  readonly messages: readonly string[];
  /** Apart from the messages: the engine answers pings itself, and its answer may overtake a worker's. */
  readonly pongs: readonly string[];
  /** The close frame, or `abrupt`. */
  readonly end: string;
}

/** Any mask will do; that it is always the same keeps a case the same. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
/** Echoed after everything before it, so that nobody has to know how many answers are due. */
const LAST = 'the last message of the case';

const LAST_FRAME: FrameInput = { opcode: Opcode.Text, payload: LAST };
const GOODBYE: FrameInput = { opcode: Opcode.Close, payload: closePayload(1000, 'end of the case') };

export function toBytes(chunk: Chunk): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  return Buffer.concat(chunk.map((frame) => encodeFrame({ mask: MASK, ...frame })));
}

/**
 * Sends the chunks, each after the answers to those before it, and writes down everything up to the end of the
 * connection. `isOver`: the chunks are supposed to end it; otherwise one more message and a close frame do.
 */
export async function converse(port: number, chunks: readonly Chunk[], isOver: boolean): Promise<Outcome> {
  const client = await RawClient.open(port);
  const messages: string[] = [];
  const pongs: string[] = [];
  const take = (frame: Frame | undefined) => {
    if (frame === undefined) return false;
    if (frame.opcode === Opcode.Pong) pongs.push(describeFrame(frame));
    else messages.push(describeFrame(frame));
    return true;
  };
  let due = 0;
  for (const chunk of chunks) {
    while (messages.length + pongs.length < due) if (!take(await client.nextFrame())) break;
    client.write(toBytes(chunk));
    due += Buffer.isBuffer(chunk) ? 0 : countAnswers(chunk);
  }
  if (!isOver) {
    client.write(toBytes([LAST_FRAME]));
    while (messages.at(-1) !== describeText(LAST)) if (!take(await client.nextFrame())) break;
    client.write(toBytes([GOODBYE]));
  }
  while (take(await client.nextFrame()));
  client.destroy();
  const end = messages.at(-1)?.startsWith('close') ? messages.pop()! : 'abrupt';
  return { messages, pongs, end };
}

/** The outcome that RFC 6455 asks for when every frame is valid and none is a close. */
export function validOutcome(chunks: readonly Chunk[]): Outcome {
  const messages: string[] = [];
  const pongs: string[] = [];
  let opcode: number = Opcode.Text;
  let parts: Buffer[] = [];
  for (const frame of chunks.flat() as FrameInput[]) {
    const payload = Buffer.from(frame.payload ?? '');
    if (frame.opcode === Opcode.Ping) pongs.push(describe(Opcode.Pong, payload));
    if (frame.opcode >= Opcode.Close) continue;
    if (frame.opcode !== Opcode.Continuation) opcode = frame.opcode;
    parts.push(payload);
    if (frame.fin === false) continue;
    messages.push(describe(opcode, Buffer.concat(parts)));
    parts = [];
  }
  const end = describe(Opcode.Close, Buffer.from(GOODBYE.payload!));
  return { messages: [...messages, describeText(LAST)], pongs, end };
}

/** Pings, and messages that are complete. */
function countAnswers(frames: readonly FrameInput[]): number {
  const isAnswered = ({ opcode, fin }: FrameInput) =>
    opcode === Opcode.Ping || (opcode < Opcode.Close && fin !== false);
  return frames.filter(isAnswered).length;
}

const NAMES: Record<number, string> = { 1: 'text', 2: 'binary', 8: 'close', 10: 'pong' };

/** A frame in words that differ when the frames do. */
export function describeFrame({ fin, rsv, opcode, masked, payload }: Frame): string {
  const oddities = `${fin ? '' : ' not final'}${rsv === 0 ? '' : ` rsv ${rsv}`}${masked ? ' masked' : ''}`;
  return describe(opcode, payload) + oddities;
}

function describeText(text: string): string {
  return describe(Opcode.Text, Buffer.from(text));
}

function describe(opcode: number, payload: Buffer): string {
  const name = NAMES[opcode] ?? `opcode ${opcode}`;
  if (opcode === Opcode.Close && payload.length >= 2)
    return `close ${payload.readUInt16BE()} ${JSON.stringify(payload.subarray(2).toString('latin1'))}`;
  const content =
    payload.length <= 150
      ? JSON.stringify(payload.toString('latin1'))
      : createHash('sha1').update(payload).digest('hex');
  return `${name} ${payload.length} ${content}`;
}
