/**
 * Decides whether a handshake is let in: a ladder of refusals that ends in one accept. Pure.
 */
import type { RejectReason } from '../metrics/counters.js';
import type { OriginCheck } from '../upgrade.js';
import type { HandshakeRequest } from '../wire/request.js';

/** An answer to a request that is not let in. */
export interface Refusal {
  readonly reason: RejectReason;
  /** HTTP status line without the version, such as `403 Forbidden`. */
  readonly status: string;
  readonly headers: readonly (readonly [string, string])[];
  /** One sentence for a person. */
  readonly body: string;
}

/** 16 bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** What the hub is doing when the request comes. */
export type Readiness = 'starting' | 'running' | 'draining';

/** The refusal, or undefined to let the connection in. */
export function refuseHandshake(
  request: HandshakeRequest,
  isAllowedOrigin: OriginCheck,
  readiness: Readiness,
): Refusal | undefined {
  const unready = refuseUnready(readiness);
  if (unready !== undefined) return unready;
  const version = request.headers['sec-websocket-version'];
  if (version !== '13') {
    return refusal(
      'bad-version',
      '426 Upgrade Required',
      'This server speaks WebSocket version 13 (RFC 6455).',
      [
        ['Sec-WebSocket-Version', '13'],
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
      ],
    );
  }
  if (!KEY.test(request.headers['sec-websocket-key'] ?? '')) return badKey();
  return refuseOrigin(request, isAllowedOrigin);
}

/** The refusal of a browser on a foreign page, or undefined. Without an Origin header it is no browser. */
export function refuseOrigin(request: HandshakeRequest, isAllowedOrigin: OriginCheck): Refusal | undefined {
  const { origin } = request.headers;
  if (origin === undefined || isAllowedOrigin(origin, request)) return undefined;
  return refusal('bad-origin', '403 Forbidden', 'This Origin may not connect.');
}

/** The refusal while the hub is not running, or undefined. */
export function refuseUnready(readiness: Readiness): Refusal | undefined {
  return readiness === 'running' ? undefined : unavailable(readiness);
}

/** The hub takes no connections right now (RFC 9110 §15.6.4). */
export function unavailable(readiness: 'starting' | 'draining'): Refusal {
  return refusal(readiness, '503 Service Unavailable', `The server is ${readiness}: try again.`, [
    ['Retry-After', '1'],
  ]);
}

/** Every worker died too often and rests. */
export function allResting(): Refusal {
  return refusal('overloaded', '503 Service Unavailable', 'Every worker rests after crashes: try again.', [
    ['Retry-After', '10'],
  ]);
}

/** The worker that a key belongs to died too often and rests: what belongs to the key is there, and nowhere else. */
export function keyResting(): Refusal {
  const body = 'The worker for this connection rests after crashes: try again.';
  return refusal('overloaded', '503 Service Unavailable', body, [['Retry-After', '10']]);
}

/** A request without a handshake on the WebSocket path (RFC 9110 §15.5.22). */
export function upgradeRequired(headers: Readonly<Record<string, string>>): Refusal {
  const extra = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Version', '13'],
  ] as const;
  if (headers.upgrade?.toLowerCase() === 'websocket') return badKey();
  return refusal('not-a-websocket', '426 Upgrade Required', 'This is a WebSocket endpoint.', extra);
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
