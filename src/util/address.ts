/** Text forms of addresses and networks. */
import { isIP, isIPv4, isIPv6 } from 'node:net';

/** An IP address from its 4 or 16 bytes; an IPv4 address mapped to IPv6 (RFC 4291 §2.5.5.2) as IPv4. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return formatIPv4(bytes, 0);
  if (bytes.length !== 16) return '';
  if (isMapped(bytes)) return formatIPv4(bytes, 12);
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return shortenIPv6(groups.join(':')) ?? '';
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** Texts of IPv4 addresses, some 50 KiB at most: clients come again, and their connections share the text. */
const texts = new Map<number, string>();
const MAX_TEXTS = 1024;

function formatIPv4(bytes: Uint8Array, at: number): string {
  const key = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  const known = texts.get(key);
  if (known !== undefined) return known;
  if (texts.size >= MAX_TEXTS) texts.clear();
  const text = bytes.subarray(at, at + 4).join('.');
  texts.set(key, text);
  return text;
}

/**
 * True for a host that only this machine can reach: `localhost` and names below it (RFC 6761 §6.3), 127.0.0.0/8, ::1,
 * and 127.0.0.0/8 mapped to IPv6. False for every other name, whatever it resolves to.
 */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIPv4(name)) return name.startsWith('127.');
  return isIPv6(name) && isLoopbackIPv6(name);
}

function isLoopbackIPv6(address: string): boolean {
  const short = shortenIPv6(address) ?? '';
  return short === '::1' || /^::ffff:7f[0-9a-f]{2}:/.test(short);
}

/** The one form of an IPv6 address that RFC 5952 asks for, without its zone; undefined for what is none. */
export function shortenIPv6(address: string): string | undefined {
  // A zone (`%eth0`) says nothing on another machine. The URL parser gives every spelling the same form.
  const url = `http://[${address.replace(/%.*$/, '')}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined;
}

/** The name or address in a Host header, as the URL parser writes it; undefined for one that is missing, or none. */
export function hostnameOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (header === lastHost.header) return lastHost.hostname;
  const url = `http://${header}`;
  const isName = /^[^\s/?#@\\]+$/.test(header) && URL.canParse(url);
  lastHost = { header, hostname: isName ? new URL(url).hostname : undefined };
  return lastHost.hostname;
}

/** Nearly all clients of a server send the same one, and parsing it takes over 1 µs. */
let lastHost: { readonly header: string; readonly hostname: string | undefined } = {
  header: '',
  hostname: undefined,
};

/** `host:port` for a URL: the addresses that mean "all interfaces" become loopback, IPv6 gets its brackets. */
export function hostForUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

export interface Place {
  readonly host: string;
  readonly unixSocket?: string | undefined;
  readonly tls?: unknown;
}

/** Scheme and authority of a hub's URLs. A Unix socket comes in the form that the client `ws` takes: `ws+unix:/path:`. */
export function baseUrl(scheme: 'http' | 'ws', { host, unixSocket, tls }: Place, port: number): string {
  const name = tls === undefined ? scheme : `${scheme}s`;
  return unixSocket === undefined ? `${name}://${hostForUrl(host, port)}` : `${name}+unix:${unixSocket}:`;
}

/** `address` or `address/prefix`. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

// Of a broker's servers

export const NATS_PROTOCOL = /^(nats|tls):$/;
/** Also those of Valkey. */
export const REDIS_PROTOCOL = /^(redis|valkey)s?:$/;
/** What every name on a server may begin with. */
export const NAME_PREFIX = /^[A-Za-z0-9_-]{1,32}$/;

/** True for a URL of the protocol that has a host. */
export function isServerUrl(text: string, protocol: RegExp): boolean {
  if (!URL.canParse(text.trim())) return false;
  const url = new URL(text.trim());
  return protocol.test(url.protocol) && url.hostname !== '';
}
