/**
 * Topics and published messages on their way from a worker to the I/O thread.
 *
 * The payload of a `Publish` record: uint32 bytes of the topic, uint32 bytes of the key, uint32 flags, the topic, the
 * key, and the message.
 */
import { toUSVString } from 'node:util';
import { describe, HubError } from '../api/errors.js';

/** Bytes of a topic's name in UTF-8. */
export const MAX_TOPIC_BYTES = 255;

/** Bytes of the id of a publication. */
const MAX_ID_BYTES = 200;

const HEADER_BYTES = 12;
const HAS_KEY = 1;
const TO_SELF = 2;

/** What engines take for something else, and logs for a line of their own. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\s\x00-\x1f\x7f-\x9f*>]/;

export interface PublishRecord {
  readonly topic: string;
  /** See {@link conflationKey}. */
  readonly key: string | undefined;
  /** True when the publishing connection, if it is subscribed, gets the message too. */
  readonly toSelf: boolean;
  /** A view into the record. */
  readonly data: Uint8Array;
}

/**
 * The name as every thread has it: half a surrogate pair is U+FFFD, as in all text that is encoded.
 *
 * @param isShared it may become a name on an engine, and is to have neither spaces, control characters nor wildcards
 * @throws HubError `ERR_TOPIC` for anything but a string of 1 to 255 bytes
 */
export function topicName(topic: unknown, isShared: boolean): string {
  const isName = typeof topic === 'string' && topic !== '' && Buffer.byteLength(topic) <= MAX_TOPIC_BYTES;
  if (isName && !(isShared && FORBIDDEN.test(topic))) return toUSVString(topic);
  const without = isName ? ', here without spaces, control characters, * and >' : '';
  const takes = `a string of 1 to ${MAX_TOPIC_BYTES} bytes in UTF-8${without}`;
  throw new HubError('ERR_TOPIC', `a topic is ${takes}, not ${describe(topic)}`);
}

/** @throws HubError `ERR_ARGUMENT` for anything but a string of 1 to 200 bytes, or undefined */
export function publicationId(id: unknown): string | undefined {
  if (id === undefined) return undefined;
  if (typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= MAX_ID_BYTES) return id;
  throw new HubError('ERR_ARGUMENT', `id takes a string of 1 to ${MAX_ID_BYTES} bytes, not ${describe(id)}`);
}

/**
 * What a message replaces in a slow subscriber's queue: an earlier message with the same key.
 *
 * @param topic see {@link topicName}
 * @throws HubError `ERR_ARGUMENT` when `conflate` is neither a boolean nor a string
 */
export function conflationKey(topic: string, conflate: boolean | string | undefined): string | undefined {
  if (conflate === undefined || conflate === false) return undefined;
  if (conflate === true) return `topic:${topic}`;
  if (typeof conflate === 'string') return `key:${topic.length}:${topic}${toUSVString(conflate)}`;
  throw new HubError('ERR_ARGUMENT', `conflate takes true, false or a string, not ${describe(conflate)}`);
}

export function encodePublish(
  topic: string,
  key: string | undefined,
  toSelf: boolean,
  data: Uint8Array,
): Uint8Array {
  const topicBytes = Buffer.byteLength(topic);
  const keyBytes = key === undefined ? 0 : Buffer.byteLength(key);
  const payload = Buffer.allocUnsafe(HEADER_BYTES + topicBytes + keyBytes + data.length);
  payload.writeUInt32LE(topicBytes, 0);
  payload.writeUInt32LE(keyBytes, 4);
  payload.writeUInt32LE((key === undefined ? 0 : HAS_KEY) | (toSelf ? TO_SELF : 0), 8);
  payload.write(topic, HEADER_BYTES);
  if (key !== undefined) payload.write(key, HEADER_BYTES + topicBytes);
  payload.set(data, HEADER_BYTES + topicBytes + keyBytes);
  return payload;
}

export function decodePublish(payload: Uint8Array): PublishRecord {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const topicEnd = HEADER_BYTES + bytes.readUInt32LE(0);
  const keyEnd = topicEnd + bytes.readUInt32LE(4);
  const flags = bytes.readUInt32LE(8);
  return {
    topic: bytes.toString('utf8', HEADER_BYTES, topicEnd),
    key: (flags & HAS_KEY) === 0 ? undefined : bytes.toString('utf8', topicEnd, keyEnd),
    toSelf: (flags & TO_SELF) !== 0,
    data: bytes.subarray(keyEnd),
  };
}
