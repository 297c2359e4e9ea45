/**
 * The handshake on its way to a worker. The I/O thread keeps the encoded form for as long as the connection lives (a
 * replaced worker is told again), so it is one compact string of one-byte characters.
 */
import { deserialize, serialize } from 'node:v8';
import { HubError } from '../api/errors.js';
import type { ClientCertificate, HandshakeRequest } from '../api/handshake-request.js';
import { joinTarget } from '../util/request-target.js';
import * as Flag from './flag.js';
import type { InboundReader } from './inbound.js';

/** A handshake and what the application's `upgrade` hook said of it. */
export interface Handshake {
  readonly request: HandshakeRequest;
  readonly data: unknown;
}

/** Largest `data`, in bytes of its encoded form. */
export const MAX_DATA_BYTES = 65_536;

/**
 * Place of its handler, path, query, address, offered, chosen, the data (absent, as JSON, or as base64 of
 * `v8.serialize`), and the headers: name, or its place among those that are known, and value, or its place, in turn.
 */
type Encoded = [
  handler: number,
  path: string,
  query: string,
  /** With the client's certificate, if it has one. */
  remoteAddress: string | [string, ClientCertificate],
  subprotocols: readonly string[],
  subprotocol: string | 0,
  kind: DataKind,
  data: unknown,
  ...headers: (string | number)[],
];
/** Headers that nearly every handshake has, and values that many have: only their places in these lists are kept. */
const KNOWN_HEADERS: readonly (readonly [name: string, ...values: string[]])[] = [
  ['host'],
  ['connection', 'Upgrade', 'keep-alive, Upgrade', 'keep-alive'],
  ['upgrade', 'websocket'],
  ['origin'],
  ['user-agent'],
  ['pragma', 'no-cache'],
  ['cache-control', 'no-cache'],
  ['accept', '*/*'],
  ['accept-encoding', 'gzip, deflate, br, zstd', 'gzip, deflate, br'],
  ['accept-language'],
  ['cookie'],
  ['authorization'],
  ['sec-websocket-version', '13'],
  ['sec-websocket-key'],
  ['sec-websocket-extensions', 'permessage-deflate; client_max_window_bits'],
  ['sec-websocket-protocol'],
  ['sec-fetch-dest', 'websocket', 'empty'],
  ['sec-fetch-mode', 'websocket'],
  ['sec-fetch-site', 'same-origin'],
  ['x-forwarded-for'],
  ['x-forwarded-proto', 'https'],
  ['content-type', 'application/octet-stream', 'application/json'],
  ['content-length'],
];
const PLACES: ReadonlyMap<string, { readonly place: number; readonly values: readonly string[] }> = new Map(
  KNOWN_HEADERS.map(([name, ...values], place) => [name, { place, values }]),
);

const DataKind = { Absent: 0, Json: 1, Serialized: 2 } as const;
type DataKind = (typeof DataKind)[keyof typeof DataKind];

/**
 * @param handler place of its handler in the worker's list
 * @throws HubError `ERR_UPGRADE` when the data cannot be cloned, or is over {@link MAX_DATA_BYTES}
 */
export function encodeHandshake(request: HandshakeRequest, data: unknown, handler: number): string {
  const { path, query, remoteAddress, clientCertificate, subprotocols, subprotocol, headers } = request;
  const [kind, body] = encodeData(data);
  // By hand: as one array, JSON.stringify takes three times as long. Joined, since a string that was added up stays a
  // tree of its parts.
  const parts: (string | number)[] = [
    `[${handler}`,
    quote(path),
    quote(query),
    clientCertificate === undefined
      ? quote(remoteAddress)
      : toOneByteJson([remoteAddress, clientCertificate]),
    subprotocols.length === 0 ? '[]' : toOneByteJson(subprotocols),
    subprotocol === undefined ? 0 : quote(subprotocol),
    kind,
    body,
  ];
  for (const name in headers) packHeader(parts, name, headers[name]!);
  parts.push(`${parts.pop()}]`);
  return parts.join(',');
}

function encodeData(data: unknown): [kind: DataKind, json: string | 0] {
  if (data === undefined) return [DataKind.Absent, 0];
  const isJson = isJsonSafe(data, new Set());
  const json = toOneByteJson(isJson ? data : serializeData(data));
  if (json.length <= MAX_DATA_BYTES) return [isJson ? DataKind.Json : DataKind.Serialized, json];
  throw new HubError(
    'ERR_UPGRADE',
    `upgrade returned data of ${json.length} bytes when encoded but takes ${MAX_DATA_BYTES} at most`,
  );
}

export function decodeHandshake(text: string): Handshake {
  const [, path, query, peer, subprotocols, subprotocol, kind, body, ...headers] = JSON.parse(
    text,
  ) as Encoded;
  const [remoteAddress, clientCertificate] = typeof peer === 'string' ? [peer] : peer;
  const request: HandshakeRequest = {
    url: joinTarget(path, query),
    path,
    query,
    headers: unpackHeaders(headers),
    remoteAddress,
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    subprotocols,
    ...(subprotocol === 0 ? {} : { subprotocol }),
  };
  const data =
    kind === DataKind.Absent
      ? undefined
      : kind === DataKind.Json
        ? body
        : deserialize(Buffer.from(body as string, 'base64'));
  return { request, data };
}

function packHeader(parts: (string | number)[], name: string, value: string): void {
  const known = PLACES.get(name);
  const place = known?.values.indexOf(value) ?? -1;
  parts.push(known?.place ?? quote(name), place < 0 ? quote(value) : place);
}

function unpackHeaders(packed: readonly (string | number)[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < packed.length; i += 2) {
    const name = packed[i]!;
    const known = typeof name === 'number' ? KNOWN_HEADERS[name]! : undefined;
    const key = known?.[0] ?? (name as string);
    const packedValue = packed[i + 1]!;
    const value = typeof packedValue === 'number' ? known![packedValue + 1] : packedValue;
    // A header can be called anything, `__proto__` too.
    Object.defineProperty(headers, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return headers;
}

/** The place of its handler in the worker's list, without decoding the rest. */
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

/** Text that is its own JSON between quotes, and of one byte a character. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : toOneByteJson(text);
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

// What one version of a handler keeps for the next: a structured clone as bytes

/** Of one connection: with 10,000 of them on a worker, a hand-over of the largest is bounded by the next line. */
const MAX_CONNECTION_BYTES = 1024 * 1024;
/** Of all connections of a worker together, and what a worker keeps for itself. */
const MAX_WORKER_BYTES = 64 * 1024 * 1024;

const LENGTH_BYTES = 4;

/** Packs the values that one worker hands over, and holds them to their bounds. */
export class Luggage {
  #left = MAX_WORKER_BYTES;

  /** @throws HubError `ERR_ARGUMENT` when the value is too large, or cannot be cloned */
  pack(value: unknown, hook: string, limit = MAX_CONNECTION_BYTES): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = serialize(value);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new HubError('ERR_ARGUMENT', `${hook} returned what cannot be cloned: ${why}`, { cause });
    }
    const room = Math.min(limit, this.#left);
    if (bytes.length > room) {
      const whose = room < limit ? `, which is what is left of ${MAX_WORKER_BYTES} for its worker` : '';
      const text = `${hook} returned ${bytes.length} bytes but takes ${room} at most${whose}`;
      throw new HubError('ERR_ARGUMENT', text);
    }
    this.#left -= bytes.length;
    return bytes;
  }

  /** The same for what belongs to the worker. */
  packWorker(value: unknown): Uint8Array {
    return this.pack(value, 'suspendWorker', MAX_WORKER_BYTES);
  }
}

export function unpack(bytes: Uint8Array): unknown {
  return deserialize(bytes);
}

/** The payload of an `Open` record with `Flag.Suspended`. */
export function encodeSuspended(request: string, state: Uint8Array): Uint8Array {
  const bytes = Buffer.from(request, 'utf8');
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes, state]);
}

/** What the `Open` record at hand says of its connection. */
export function readOpen(inbound: InboundReader): { request: string; state?: Uint8Array } {
  const { flags, position } = inbound;
  if ((flags & Flag.Suspended) === 0) return { request: inbound.textAt(position) };
  return decodeSuspended(inbound.payloadAt(position));
}

/** The state is a copy: it stays when the memory of the record is used again. */
export function decodeSuspended(payload: Uint8Array): { request: string; state: Uint8Array } {
  const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const end = LENGTH_BYTES + buffer.readUInt32LE(0);
  return { request: buffer.toString('utf8', LENGTH_BYTES, end), state: payload.slice(end) };
}
