/**
 * The close codes that a client of the hub can see (RFC 6455 §7.4.1 and the IANA registry of close codes).
 *
 * 1006 is never sent: it is what a peer observes when the connection ends without a close frame.
 */
export const CloseCode = {
  /** The handler or the application closed normally. */
  Normal: 1000,
  /** The hub shuts down. */
  GoingAway: 1001,
  /** Never sent. The connection ended without a close frame. */
  Abnormal: 1006,
  /** The message is not what its handler takes: a `BadMessageError`. */
  InvalidPayload: 1007,
  /** A policy was broken: a slow consumer, or over the rate limit. */
  PolicyViolation: 1008,
  /** The message is over `maxPayload`. */
  MessageTooBig: 1009,
  /** The handler failed, was killed at its deadline, or died with its worker. */
  InternalError: 1011,
  /** The hub restarts. */
  ServiceRestart: 1012,
  /** Overloaded: try again later. */
  TryAgainLater: 1013,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** Bytes: a close frame carries at most 125 bytes, two of which are the code (RFC 6455 §5.5). */
export const MAX_CLOSE_REASON_BYTES = 123;

/** True for a code that an endpoint may put in a close frame (RFC 6455 §7.4). */
export function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
