/** The header of the PROXY protocol (HAProxy's proxy-protocol.txt), versions 1 and 2, at the start of a connection. Pure. */
import { isIPv4, isIPv6 } from 'node:net';
import { formatAddress } from '../../../util/address.js';
import { normalizeAddress } from '../proxy.js';

export interface ProxyHeader {
  /** Bytes that it takes; what is behind it is the client's. */
  readonly length: number;
  /** Of the proxied client; undefined for a connection of the proxy's own. */
  readonly address: string | undefined;
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = SIGNATURE.length + 4;
/** Addresses, and what a proxy adds: a few hundred bytes at most, with names of a TLS client. */
const MAX_REST_BYTES = 4096;
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

const LINE_START = Buffer.from('PROXY ', 'latin1');
const MAX_LINE_BYTES = 107;

/**
 * Reads the header that `bytes` begin with.
 *
 * @returns `more` when its end is not there yet; `none` when they begin with something else; `bad` for one that is broken
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | 'more' | 'none' | 'bad' {
  if (startsAlike(bytes, SIGNATURE)) return bytes.length < FIXED_BYTES ? 'more' : readBinary(bytes);
  if (startsAlike(bytes, LINE_START)) return readLine(bytes);
  return 'none';
}

/** True when the one begins with the other, as far as both go. */
function startsAlike(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let i = 0; i < Math.min(bytes.length, start.length); i++) if (bytes[i] !== start[i]) return false;
  return true;
}

function readBinary(bytes: Uint8Array): ProxyHeader | 'more' | 'bad' {
  const [command, family, high, low] = bytes.subarray(SIGNATURE.length) as unknown as number[];
  const rest = (high! << 8) | low!;
  if ((command !== 0x20 && command !== 0x21) || rest > MAX_REST_BYTES) return 'bad';
  const length = FIXED_BYTES + rest;
  // A check by the proxy itself (LOCAL), or a family without addresses that say something here.
  const size = command === 0x20 ? undefined : ADDRESS_BYTES[family! >> 4];
  if (size !== undefined && rest < 2 * size + 4) return 'bad';
  if (bytes.length < length) return 'more';
  const address =
    size === undefined ? undefined : formatAddress(bytes.subarray(FIXED_BYTES, FIXED_BYTES + size));
  return { length, address };
}

function readLine(bytes: Uint8Array): ProxyHeader | 'more' | 'bad' {
  const end = bytes.indexOf(10);
  if (end < 0) return bytes.length < MAX_LINE_BYTES ? 'more' : 'bad';
  if (end >= MAX_LINE_BYTES) return 'bad';
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, end + 1).toString('latin1');
  const length = line.length;
  if (/^PROXY UNKNOWN(?: [\x20-\x7e]*)?\r\n$/.test(line)) return { length, address: undefined };
  const [, family, source = '', target = '', ...ports] =
    /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})\r\n$/.exec(line) ?? [];
  const isAddress = family === '4' ? isIPv4 : isIPv6;
  const isGood = family !== undefined && isAddress(source) && isAddress(target);
  if (!isGood || ports.some((port) => Number(port) > 65_535)) return 'bad';
  return { length, address: normalizeAddress(source) };
}
