/** A publication as the frame that subscribers are sent: prepared once for all of them. I/O thread. */
import type { Publication } from '../../api/broker.js';
import type { BrokerMessage } from '../../broker/broker.js';
import { conflationKey } from '../../wire/publish.js';
import { type QueuedMessage, queuedMessage } from '../connection/outbound.js';
import type { TopicRule } from './topic-rules.js';

/** @param position of one with history */
export function toFrame(
  topic: string,
  { data, isBinary, key }: BrokerMessage,
  rule: TopicRule | undefined,
  position?: { readonly offset: number; readonly epoch: string },
): QueuedMessage {
  const own = key ?? conflationKey(topic, rule?.conflate);
  if (rule?.envelope !== 'json') return queuedMessage(data, isBinary, own);
  const head = JSON.stringify({ topic, ...(position && { offset: position.offset, epoch: position.epoch }) });
  const text = `${head.slice(0, -1)},"data":${jsonOf(data, isBinary)}}`;
  return queuedMessage(Buffer.from(text), false, own);
}

/** A frame about a topic, for subscribers of one with an envelope. */
export function noteFrame(note: Readonly<Record<string, unknown>>): QueuedMessage {
  return queuedMessage(Buffer.from(JSON.stringify(note)), false);
}

export function toPublication(offset: number, { data, isBinary }: BrokerMessage): Publication {
  return { offset, data: isBinary ? data : textOf(data) };
}

/** Text that is JSON stays as it is; other text is a string, bytes are in base64. */
function jsonOf(data: Uint8Array, isBinary: boolean): string {
  if (isBinary) return JSON.stringify({ base64: bufferOf(data).toString('base64') });
  const text = textOf(data);
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function textOf(data: Uint8Array): string {
  return bufferOf(data).toString('utf8');
}

function bufferOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
