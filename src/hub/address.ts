/** Text forms of addresses. */

/** An IP address from its 4 or 16 bytes; an IPv4 address mapped to IPv6 (RFC 4291 §2.5.5.2) as IPv4. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.byteLength === 4) return bytes.join('.');
  if (bytes.byteLength !== 16) return '';
  const isMapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (isMapped) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  // The URL parser shortens it as RFC 5952 asks.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

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
