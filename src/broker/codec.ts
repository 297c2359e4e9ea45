/**
 * A message as it crosses between nodes, for engines that carry bytes.
 *
 * Two bytes that no other program's messages begin with; a version; flags; the publishing node, the key and the excepted
 * connections, each behind its length (uint16); then the payload.
 */
import { isUtf8 } from 'node:buffer';
import type { BrokerMessage } from './broker.js';

/** No text begins so: the second one is a control character. */
const MAGIC = 0x5b1e;
/** Of what follows: a node that does not know it drops the message and counts it. */
const VERSION = 1;
const HEADER_BYTES = 4;
const FLAGS_AT = 3;
const LENGTH_BYTES = 2;
const NODE_AT = HEADER_BYTES + LENGTH_BYTES;
const BINARY = 1;
const HAS_KEY = 2;
/** Ids of connections have no space. */
const SEPARATOR = ' ';

export interface DecodedMessage {
  readonly node: string;
  readonly message: BrokerMessage;
}

/** The head of a text message of a node, with neither key nor exceptions: nearly all have that, or the same with one flag. */
interface PlainHead {
  readonly node: string;
  readonly bytes: Buffer;
}

/** Of the last message, each way: to write and to read a head costs more than all else here. */
let lastSent = plainHead('');
/** Of as many nodes at most; the one that came first makes room. By the beginning of the node, which is random. */
const MAX_HEADS = 1024;
const lastRead = new Map<number, PlainHead>();

function plainHead(node: string): PlainHead {
  return { node, bytes: encodeAny(node, { data: Buffer.alloc(0), isBinary: false }) };
}

/** hot: once per message. */
export function encodeMessage(node: string, message: BrokerMessage): Buffer {
  const { data, isBinary, key, except } = message;
  if (key !== undefined || (except !== undefined && except.length > 0)) return encodeAny(node, message);
  if (lastSent.node !== node) lastSent = plainHead(node);
  const head = lastSent.bytes;
  const bytes = Buffer.allocUnsafe(head.length + data.length);
  bytes.set(head);
  if (isBinary) bytes[FLAGS_AT] = BINARY;
  bytes.set(data, head.length);
  return bytes;
}

function encodeAny(node: string, { data, isBinary, key, except = [] }: BrokerMessage): Buffer {
  const texts = [node, key ?? '', except.join(SEPARATOR)];
  const lengths = texts.map((text) => Buffer.byteLength(text));
  let at = HEADER_BYTES;
  const bytes = Buffer.allocUnsafe(
    lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, at) + data.length,
  );
  bytes.writeUInt16BE(MAGIC, 0);
  bytes[2] = VERSION;
  bytes[FLAGS_AT] = (isBinary ? BINARY : 0) | (key === undefined ? 0 : HAS_KEY);
  for (const [i, text] of texts.entries()) {
    at = bytes.writeUInt16BE(lengths[i]!, at);
    at += bytes.write(text, at);
  }
  bytes.set(data, at);
  return bytes;
}

/** The beginning of the node as a number, 6 bits a letter: base64url differs in these. */
function placeOf(payload: Uint8Array): number {
  const at = NODE_AT;
  return (
    (payload[at]! ^ (payload[at + 1]! << 6) ^ (payload[at + 2]! << 12) ^ (payload[at + 3]! << 18)) &
    0x3fffffff
  );
}

function remember(place: number, head: PlainHead): void {
  if (lastRead.size >= MAX_HEADS) for (const oldest of lastRead.keys()) if (lastRead.delete(oldest)) break;
  lastRead.set(place, head);
}

/** The head that a message begins with, if it is one that was read before; it may be binary or not. */
function knownHead(payload: Uint8Array): PlainHead | undefined {
  const head = lastRead.get(placeOf(payload));
  if (head === undefined) return undefined;
  const { bytes } = head;
  if (payload.length < bytes.length || payload[FLAGS_AT]! > BINARY) return undefined;
  for (let i = 0; i < bytes.length; i++) if (payload[i] !== bytes[i] && i !== FLAGS_AT) return undefined;
  return head;
}

/**
 * hot: once per message. Undefined for what is no message of ours, or of another version. The payload is a view.
 *
 * @param takesRaw what does not begin as a message of ours is one all the same, as it is: of no node, and text if it is UTF-8
 */
export function decodeMessage(payload: Uint8Array, takesRaw = false): DecodedMessage | undefined {
  const known = payload.length > NODE_AT ? knownHead(payload) : undefined;
  if (known !== undefined) {
    const { node, bytes } = known;
    const start = payload.byteOffset + bytes.length;
    const data = Buffer.from(payload.buffer, start, payload.length - bytes.length);
    const isBinary = payload[FLAGS_AT] === BINARY;
    return { node, message: { data, isBinary, key: undefined, except: undefined } };
  }
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== MAGIC)
    return takesRaw ? { node: '', message: { data: bytes, isBinary: !isUtf8(bytes) } } : undefined;
  if (bytes.length < HEADER_BYTES || bytes[2] !== VERSION) return undefined;
  const texts: string[] = [];
  let at = HEADER_BYTES;
  for (let i = 0; i < 3; i++) {
    if (at + LENGTH_BYTES > bytes.length) return undefined;
    const start = at + LENGTH_BYTES;
    at = start + bytes.readUInt16BE(at);
    if (at > bytes.length) return undefined;
    texts.push(bytes.toString('utf8', start, at));
  }
  const [node, key, except] = texts as [string, string, string];
  const flags = bytes[FLAGS_AT]!;
  if (flags <= BINARY && node !== '') remember(placeOf(bytes), plainHead(node));
  const message = {
    data: bytes.subarray(at),
    isBinary: (flags & BINARY) !== 0,
    key: (flags & HAS_KEY) === 0 ? undefined : key,
    except: except === '' ? undefined : except.split(SEPARATOR),
  };
  return { node, message };
}
