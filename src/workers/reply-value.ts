/** Tells the kinds of value apart that a hook may return. */
import { describe, HubError } from '../errors.js';
import { asFrame, type Frame } from '../wire/frame.js';
import type { Data } from './handler.js';
import { InboundMessage } from './message.js';

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

export function isData(value: unknown): value is Data {
  return (
    typeof value === 'string' ||
    value instanceof Uint8Array ||
    value instanceof ArrayBuffer ||
    value instanceof InboundMessage
  );
}

export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

export function badReply(value: unknown): HubError {
  return new HubError(
    'ERR_DATA_TYPE',
    `a handler sent ${describe(value)} but a reply is a string, a Uint8Array, an ArrayBuffer, a message, or an iterable of these`,
  );
}

/** The payload and the kind of frame of what is to be sent. @throws HubError `ERR_DATA_TYPE` */
export function toFrame(data: unknown): Frame {
  const frame = data instanceof InboundMessage ? data : asFrame(data);
  if (frame === undefined) throw badReply(data);
  return frame;
}
