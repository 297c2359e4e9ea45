/**
 * Decides whether a handshake is let in: a ladder of refusals that ends in one accept. Pure.
 */
import type { HandshakeRequest } from '../../api/handshake-request.js';
import type { RejectReason } from '../../api/reasons.js';
import type { OriginCheck } from '../../api/upgrade.js';
import { hostnameOf, isLoopbackHost } from '../../util/address.js';
import type { HeaderList } from '../../util/headers.js';

/** An answer to a request that is not let in. */
export interface Refusal {
  readonly reason: RejectReason;
  /** HTTP status line without the version, such as `403 Forbidden`. */
  readonly status: string;
  readonly headers: HeaderList;
  /** One sentence for a person. */
  readonly body: string;
}

/** 16 bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** What a client has to ask for. */
const UPGRADE: Refusal['headers'] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', '13'],
];

/** What the hub is doing when the request comes. */
export type Readiness = 'starting' | 'running' | 'draining';

/** Which pages may connect. */
export interface PageRules {
  readonly isAllowedOrigin: OriginCheck;
  /** The hub is for pages of this machine. */
  readonly isLocalOnly: boolean;
}

/** The refusal, or undefined to let the connection in. */
export function refuseHandshake(
  request: HandshakeRequest,
  pages: PageRules,
  readiness: Readiness,
): Refusal | undefined {
  const refused = refuseUnready(readiness) ?? refuseShape(request.headers);
  if (refused !== undefined) return refused;
  const version = request.headers['sec-websocket-version'];
  if (version !== '13') {
    return refusal(
      'bad-version',
      '426 Upgrade Required',
      'This server speaks WebSocket version 13 (RFC 6455).',
      UPGRADE,
    );
  }
  if (!KEY.test(request.headers['sec-websocket-key'] ?? '')) return badKey();
  return refuseOrigin(request, pages);
}

/** The refusal of a browser on a foreign page, or undefined. Without an Origin header it is no browser. */
export function refuseOrigin(request: HandshakeRequest, pages: PageRules): Refusal | undefined {
  const { origin, host } = request.headers;
  if (origin === undefined) return undefined;
  if (!pages.isAllowedOrigin(origin, request))
    return refusal('bad-origin', '403 Forbidden', 'This Origin may not connect.');
  // A page of a foreign name that now leads to this machine (DNS rebinding) has that name in both headers.
  if (!pages.isLocalOnly || isLoopbackHost(hostnameOf(host) ?? '')) return undefined;
  const body =
    'This hub is for pages under a loopback name: behind a proxy, set its option trustProxy, or list the pages in origins.';
  return refusal('bad-host', '403 Forbidden', body);
}

/** The refusal while the hub is not running, or undefined. */
export function refuseUnready(readiness: Readiness): Refusal | undefined {
  return readiness === 'running' ? undefined : unavailable(readiness);
}

/** The hub takes no connections right now (RFC 9110 §15.6.4). */
export function unavailable(readiness: 'starting' | 'draining'): Refusal {
  return tryAgain(readiness, `The server is ${readiness}: try again.`);
}

/** Every worker died too often and rests. */
export function allResting(): Refusal {
  return tryAgain('overloaded', 'Every worker rests after crashes: try again.', 10);
}

/** The worker that a key belongs to died too often and rests: what belongs to the key is there, and nowhere else. */
export function keyResting(): Refusal {
  return tryAgain('overloaded', 'The worker for this connection rests after crashes: try again.', 10);
}

/** A request on the WebSocket path without a key that the engine takes for one. */
export function upgradeRequired(headers: HandshakeRequest['headers']): Refusal {
  return refuseShape(headers) ?? badKey();
}

/** The refusal of what is no handshake by its headers (RFC 6455 §4.2.1), or undefined. The engine looks at the key only. */
function refuseShape(headers: HandshakeRequest['headers']): Refusal | undefined {
  if (!lists(headers.upgrade, 'websocket') || !lists(headers.connection, 'upgrade')) {
    // RFC 9110 §15.5.22.
    const body = 'This is a WebSocket endpoint: send "Upgrade: websocket" and "Connection: Upgrade".';
    return refusal('not-a-websocket', '426 Upgrade Required', body, UPGRADE);
  }
  if (hostnameOf(headers.host) === undefined)
    return badRequest('A handshake has one Host header (RFC 9112 §3.2).');
  // What follows would be taken for frames.
  if (headers['transfer-encoding'] !== undefined || /[^0]/.test(headers['content-length'] ?? ''))
    return badRequest('A handshake has no body.');
  return undefined;
}

/** True when a header that is a list, of one line or several, has the token in it. */
function lists(header: string | undefined, token: string): boolean {
  if (header === token) return true;
  return header?.split(',').some((item) => item.trim().toLowerCase() === token) ?? false;
}

function badRequest(body: string): Refusal {
  return refusal('bad-request', '400 Bad Request', body);
}

/** Neither the hub nor the application serves the path (RFC 9110 §15.5.5). */
export function nothingThere(): Refusal {
  return refusal('not-found', '404 Not Found', 'There is nothing at this path.');
}

function badKey(): Refusal {
  const body = 'Sec-WebSocket-Key is missing or is not 16 bytes in base64 (RFC 6455 §4.1).';
  return refusal('bad-key', '400 Bad Request', body);
}

export function refusal(
  reason: RejectReason,
  status: string,
  body: string,
  headers: Refusal['headers'] = [],
): Refusal {
  return { reason, status, body, headers };
}

/** The refusal of what could be had later (RFC 9110 §15.6.4), and in how many seconds it is worth a try (§10.2.3). */
export function tryAgain(reason: RejectReason, body: string, afterSeconds = 1): Refusal {
  return refusal(reason, '503 Service Unavailable', body, [['Retry-After', String(afterSeconds)]]);
}
