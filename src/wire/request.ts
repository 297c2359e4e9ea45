/**
 * The handshake on its way to a worker. The front end keeps the encoded form for as long as the connection lives (a
 * replaced worker is told again), so it is one compact string of one-byte characters.
 */

import { deserialize, serialize } from 'node:v8';
import { HubError } from '../api/errors.js';
import type { HandshakeRequest } from '../api/handshake-request.js';

/** A handshake and what the application's `upgrade` hook said of it. */
export interface Handshake {
  readonly request: HandshakeRequest;
  readonly data: unknown;
}

/** Largest `data`, in bytes of its encoded form. */
export const MAX_DATA_BYTES = 65_536;

/** place of its handler, path, query, address, offered, chosen, headers, and the data: absent, as JSON, or as base64 of `v8.serialize`. */
type Encoded = [
  handler: number,
  path: string,
  query: string,
  remoteAddress: string,
  subprotocols: readonly string[],
  subprotocol: string | 0,
  headers: readonly (string | number)[],
  kind?: DataKind,
  data?: unknown,
];
/** Headers that nearly every handshake has: only their place in this list is kept. */
const KNOWN_HEADERS = [
  'host',
  'connection',
  'upgrade',
  'origin',
  'user-agent',
  'pragma',
  'cache-control',
  'accept',
  'accept-encoding',
  'accept-language',
  'cookie',
  'authorization',
  'sec-websocket-version',
  'sec-websocket-key',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'x-forwarded-for',
  'x-forwarded-proto',
  'content-type',
  'content-length',
] as const;
const HEADER_PLACES: ReadonlyMap<string, number> = new Map(KNOWN_HEADERS.map((name, place) => [name, place]));

const DataKind = { Json: 1, Serialized: 2 } as const;
type DataKind = (typeof DataKind)[keyof typeof DataKind];

/**
 * @param handler place of its handler in the lane's list
 * @throws HubError `ERR_UPGRADE` when the data cannot be cloned, or is over {@link MAX_DATA_BYTES}
 */
export function encodeHandshake(request: HandshakeRequest, data: unknown, handler: number): string {
  const { path, query, remoteAddress, subprotocols, subprotocol, headers } = request;
  const encoded: Encoded = [
    handler,
    path,
    query,
    remoteAddress,
    subprotocols,
    subprotocol ?? 0,
    packHeaders(headers),
  ];
  if (data === undefined) return toOneByteJson(encoded);
  const isJson = isJsonSafe(data, new Set());
  const body = isJson ? data : serializeData(data);
  const size = toOneByteJson(body).length;
  if (size > MAX_DATA_BYTES) {
    throw new HubError(
      'ERR_UPGRADE',
      `upgrade returned data of ${size} bytes when encoded but takes ${MAX_DATA_BYTES} at most`,
    );
  }
  return toOneByteJson([...encoded, isJson ? DataKind.Json : DataKind.Serialized, body]);
}

export function decodeHandshake(text: string): Handshake {
  const [, path, query, remoteAddress, subprotocols, subprotocol, headers, kind, body] = JSON.parse(
    text,
  ) as Encoded;
  const request: HandshakeRequest = {
    url: query === '' ? path : `${path}?${query}`,
    path,
    query,
    headers: unpackHeaders(headers),
    remoteAddress,
    subprotocols,
    ...(subprotocol === 0 ? {} : { subprotocol }),
  };
  const data = kind === DataKind.Serialized ? deserialize(Buffer.from(body as string, 'base64')) : body;
  return { request, data };
}

/** Name, or its place among those that are known, and value, in turn. */
function packHeaders(headers: HandshakeRequest['headers']): (string | number)[] {
  const packed: (string | number)[] = [];
  for (const name in headers) packed.push(HEADER_PLACES.get(name) ?? name, headers[name]!);
  return packed;
}

function unpackHeaders(packed: readonly (string | number)[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < packed.length; i += 2) {
    const name = packed[i]!;
    const value = packed[i + 1] as string;
    const key = typeof name === 'number' ? KNOWN_HEADERS[name]! : name;
    // A header can be called anything, `__proto__` too.
    Object.defineProperty(headers, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return headers;
}

/** The place of its handler in the lane's list, without decoding the rest. */
export function handlerOf(encoded: string): number {
  return Number.parseInt(encoded.slice(1, 8), 10);
}

function serializeData(data: unknown): string {
  try {
    return serialize(data).toString('base64');
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new HubError('ERR_UPGRADE', `upgrade returned data that cannot be cloned: ${why}`, {
      cause: thrown,
    });
  }
}

/** JSON whose characters all fit in one byte: V8 keeps a string with any other character at twice the size. */
function toOneByteJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\0-\xff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Deeper values, and those that JSON would change, are serialized. */
const MAX_JSON_DEPTH = 32;

/** True when JSON brings a value over exactly as a structured clone would. `seen` holds the objects met so far. */
function isJsonSafe(value: unknown, seen: Set<object>, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  // A clone keeps an object that is met twice, or that contains itself, one object.
  if (typeof value !== 'object' || seen.has(value) || depth > MAX_JSON_DEPTH) return false;
  seen.add(value);
  if (!isPlain(value) || 'toJSON' in value) return false;
  return Object.values(value).every((item) => isJsonSafe(item, seen, depth + 1));
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value)) return prototype === Object.prototype;
  // Neither holes nor properties of its own.
  return prototype === Array.prototype && Object.keys(value).length === value.length;
}
