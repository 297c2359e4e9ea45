/** Where a handshake carries its token. Pure. */
import { HubError } from '../api/errors.js';
import type { HandshakeRequest } from '../api/handshake-request.js';

const SOURCES = ['header', 'cookie', 'subprotocol', 'query'] as const;
/** Where a handshake may carry its token. */
export type TokenSource = (typeof SOURCES)[number];

/** A client offers the token as a subprotocol of this prefix. */
export const SUBPROTOCOL_PREFIX = 'shardhub.bearer.';

/** @throws HubError `ERR_OPTION` */
export function checkSources(options: {
  readonly from?: readonly TokenSource[];
  readonly cookie?: string;
}): readonly TokenSource[] {
  const { cookie } = options;
  const sources = options.from ?? ['header', 'subprotocol', ...(cookie === undefined ? [] : ['cookie'])];
  const unknown = sources.find((source) => !SOURCES.includes(source as TokenSource));
  if (unknown !== undefined || sources.length === 0)
    throw bad(`from takes a list of ${SOURCES.join(', ')}${unknown === undefined ? '' : `, not ${unknown}`}`);
  if (sources.includes('cookie') !== (cookie !== undefined))
    throw bad('from: "cookie" and cookie, the name of the cookie, come together');
  return sources as readonly TokenSource[];
}

/** The token of the first source that has one. */
export function findToken(
  request: HandshakeRequest,
  sources: readonly TokenSource[],
  cookie = '',
): string | undefined {
  for (const source of sources) {
    const token = read(request, source, cookie);
    if (token !== undefined) return token;
  }
  return undefined;
}

function read(request: HandshakeRequest, source: TokenSource, cookie: string): string | undefined {
  switch (source) {
    case 'header':
      return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    case 'subprotocol':
      return request.subprotocols
        .find((name) => name.startsWith(SUBPROTOCOL_PREFIX))
        ?.slice(SUBPROTOCOL_PREFIX.length);
    case 'cookie':
      return readCookie(request.headers.cookie ?? '', cookie);
    case 'query':
      return new URLSearchParams(request.query).get('access_token') ?? undefined;
  }
}

/** RFC 6265 §5.4. */
function readCookie(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at >= 0 && pair.slice(0, at).trim() === name) {
      return pair
        .slice(at + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1');
    }
  }
  return undefined;
}

/** @throws HubError `ERR_OPTION` */
export function checkSeconds<Name extends string>(
  options: { readonly [N in Name]?: number },
  name: Name,
  fallback: number,
  min: 0 | 1e-3 = 1e-3,
): number {
  const value = options[name] ?? fallback;
  if (Number.isFinite(value) && value >= min) return value;
  throw bad(`${name} takes a number of ${min === 0 ? 'at least' : 'more than'} 0 (seconds)`);
}

export function bad(what: string): HubError {
  return new HubError('ERR_OPTION', `jwtUpgrade: ${what}`);
}
