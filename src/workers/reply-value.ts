/** Tells the kinds of value apart that a hook may return. */
import { describe, HubError } from '../api/errors.js';
import { asBytes, isUint8Array, realLength } from '../wire/bytes.js';
import { asFrame, type Frame } from '../wire/frame.js';
import { InboundMessage } from './message.js';

/** What can be sent. */
export type ReplyData = string | Uint8Array | InboundMessage;

/**
 * Undefined for what cannot be sent. hot
 *
 * @throws HubError `ERR_DATA_TYPE` for an ArrayBuffer whose memory is gone
 */
export function asData(value: unknown): ReplyData | undefined {
  if (typeof value === 'string' || isUint8Array(value) || InboundMessage.is(value)) return value;
  return asBytes(value);
}

/** Bytes that data is sent as. */
export function sizeOf(data: ReplyData): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  return data instanceof InboundMessage ? data.byteLength : realLength(data);
}

/**
 * The same data, independent of memory that somebody may write to.
 *
 * @throws HubError `ERR_DATA_TYPE` when its memory is gone, `ERR_MESSAGE_EXPIRED`
 */
export function keep(data: ReplyData): ReplyData {
  if (typeof data === 'string') return data;
  if (!(data instanceof InboundMessage)) return copyOf(data);
  // One that has expired is found out now.
  return data.isBinary ? copyOf(data.bytes) : data.text();
}

/** The language's own copy asks the array's constructor for nothing. */
function copyOf(bytes: Uint8Array): Uint8Array {
  realLength(bytes);
  return new Uint8Array(bytes);
}

/** Begins an iterable; undefined for what is none. @throws whatever it throws, HubError `ERR_DATA_TYPE` */
export function iterate(value: unknown): Iterator<unknown> | undefined {
  return begin(value, Symbol.iterator) as Iterator<unknown> | undefined;
}

/** The same of an async iterable. */
export function iterateAsync(value: unknown): AsyncIterator<unknown> | undefined {
  return begin(value, Symbol.asyncIterator) as AsyncIterator<unknown> | undefined;
}

function begin(value: unknown, symbol: symbol): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // Numbers are no replies: the array itself is what the error names.
  if (ArrayBuffer.isView(value)) return undefined;
  const start = (value as Record<symbol, (() => unknown) | undefined | null>)[symbol];
  if (start === undefined || start === null) return undefined;
  const items = start.call(value);
  if (typeof items === 'object' && items !== null && typeof (items as Iterator<unknown>).next === 'function')
    return items;
  throw new HubError(
    'ERR_DATA_TYPE',
    `a handler sent an iterable that began with ${describe(items)} but an iterator is an object with a method next`,
  );
}

export function badReply(value: unknown): HubError {
  return new HubError(
    'ERR_DATA_TYPE',
    `a handler sent ${describe(value)} but a reply is a string, a Uint8Array, an ArrayBuffer, a message, or an iterable of these`,
  );
}

/** The payload and the kind of frame of what is to be sent. @throws HubError `ERR_DATA_TYPE`, `ERR_MESSAGE_EXPIRED` */
export function toFrame(data: unknown): Frame {
  const isMessage = InboundMessage.is(data);
  const frame = asFrame(isMessage ? data.payload() : data);
  if (frame !== undefined && isMessage) return { bytes: frame.bytes, isBinary: data.isBinary };
  if (frame === undefined) throw badReply(data);
  return frame;
}
