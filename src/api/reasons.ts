/** Why something was refused, ended or dropped: the names under which the statistics count it. */

export const REJECT_REASONS = [
  'not-a-websocket',
  'bad-method',
  'bad-version',
  'bad-origin',
  'bad-key',
  'bad-host',
  'bad-token',
  'token-required',
  'starting',
  'draining',
  'not-found',
  'too-large',
  'bad-request',
  'invalid-utf8',
  'overloaded',
  'max-connections',
  'max-connections-per-address',
  'connection-rate',
  'too-many-streams',
  'max-pending-upgrades',
  'upgrade-refused',
  'upgrade-timeout',
  'upgrade-error',
  // The application's handler of HTTP requests threw.
  'http-error',
  'internal-error',
] as const;

export const INVALID_REASONS = [
  'too-large',
  'invalid-utf8',
  'protocol-error',
  // Engine uws takes codes from 1012 to 3999 for invalid too, which are legitimate (the registry of close codes).
  'close-payload',
  'rate-limit',
  // More topics than maxSubscriptions.
  'subscriptions',
  // A handler threw a BadMessageError.
  'bad-message',
] as const;

export const DROP_REASONS = [
  'drop-newest',
  'drop-oldest',
  'slow-consumer',
  'connection-gone',
  'draining',
  'overload',
  // A newer message with the same key took its place in the queue of a slow peer.
  'conflated',
] as const;

export const SHED_REASONS = [
  // Over maxInFlight or maxInFlightBytesPerConnection.
  'in-flight',
  // Pings of a peer that does not read.
  'pings',
  // More at once than the event loop can bear.
  'flood',
  // One of the heaviest when the process was over maxInFlightBytes or maxBufferedBytes.
  'process-bound',
] as const;

export const RESTART_REASONS = ['crash', 'timeout', 'memory'] as const;

/** Why a handshake or an HTTP request was refused. */
export type RejectReason = (typeof REJECT_REASONS)[number];

/** Why a client's input ended its connection. */
export type InvalidReason = (typeof INVALID_REASONS)[number];

/** Why a message or a reply was dropped. */
export type DropReason = (typeof DROP_REASONS)[number];

/** Which bound a connection was closed for. */
export type ShedReason = (typeof SHED_REASONS)[number];

/** Why a worker was replaced: it died, a hook of it was in a loop, or it kept too much memory. */
export type RestartReason = (typeof RESTART_REASONS)[number];
