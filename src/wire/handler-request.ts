/**
 * What a handler asks of the hub and waits for: a `Request` record of the reply ring, answered by an `Answer` record of the
 * inbound ring. Its number, and JSON; a publication's record of publish.ts behind that.
 *
 * A request is applied like every reply: also when its worker has died since. An answer is for the life of the worker that
 * asked.
 */
import type { HistoryOptions, SubscribeOptions } from '../api/broker.js';
import type { CloseUserOptions } from '../api/close-options.js';
import { type ErrorRecord, HubError, type HubErrorCode } from '../api/errors.js';

export type HandlerRequest =
  | { readonly op: 'publish'; readonly isBinary: boolean; readonly publishId?: string | undefined }
  | { readonly op: 'subscribe'; readonly topic: string; readonly options: SubscribeOptions }
  | { readonly op: 'history'; readonly topic: string; readonly options: HistoryOptions }
  | { readonly op: 'presence' | 'presenceStats'; readonly topic: string }
  | {
      readonly op: 'sendToUser';
      readonly userId: string;
      readonly data: string;
      readonly isBinary: boolean;
    }
  | { readonly op: 'disconnectUser'; readonly userId: string; readonly options: CloseUserOptions };

export interface DecodedRequest {
  readonly id: number;
  readonly request: HandlerRequest;
  /** What is behind the JSON. */
  readonly data: Uint8Array;
}

const HEADER_BYTES = 8;
/** Of an answer: one that is larger is none. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export function encodeRequest(id: number, request: HandlerRequest, data: Uint8Array = NOTHING): Uint8Array {
  const json = JSON.stringify(request);
  const length = Buffer.byteLength(json);
  const payload = Buffer.allocUnsafe(HEADER_BYTES + length + data.length);
  payload.writeUInt32LE(id, 0);
  payload.writeUInt32LE(length, 4);
  payload.write(json, HEADER_BYTES);
  payload.set(data, HEADER_BYTES + length);
  return payload;
}

export function decodeRequest(payload: Uint8Array): DecodedRequest {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const end = HEADER_BYTES + bytes.readUInt32LE(4);
  return {
    id: bytes.readUInt32LE(0),
    request: JSON.parse(bytes.toString('utf8', HEADER_BYTES, end)),
    data: bytes.subarray(end),
  };
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: ErrorRecord;
}

export function encodeAnswer(id: number, value: unknown): Buffer {
  return Buffer.from(JSON.stringify({ id, value }, writeBytes));
}

export function encodeFailure(id: number, error: ErrorRecord): Buffer {
  return Buffer.from(JSON.stringify({ id, error }));
}

/** @returns the value, or the error as one */
export function decodeAnswer(text: string): { id: number; value?: unknown; error?: Error } {
  const { id, value, error } = JSON.parse(text, readBytes) as Answer;
  if (error === undefined) return { id, value };
  return { id, error: new HubError((error.code ?? 'ERR_WORKER') as HubErrorCode, error.message) };
}

/** Bytes in what is answered are those of publications (`data`). */
function writeBytes(this: unknown, key: string, value: unknown): unknown {
  const own = (this as Record<string, unknown>)[key];
  if (!(own instanceof Uint8Array)) return value;
  return { base64: Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64') };
}

function readBytes(key: string, value: unknown): unknown {
  const isBytes = key === 'data' && typeof value === 'object' && value !== null && 'base64' in value;
  return isBytes ? new Uint8Array(Buffer.from(String(value.base64), 'base64')) : value;
}

const NOTHING = new Uint8Array(0);
