/**
 * Which pages may connect (RFC 6455 §10.2): the option `origins` as one check. Clients that send no Origin header are
 * no browsers, so the check does not concern them.
 */
import { describeReturned, HubError } from '../../api/errors.js';
import type { HandshakeRequest } from '../../api/handshake-request.js';
import type { OriginCheck } from '../../api/upgrade.js';
import { normalizeOrigin } from '../../util/origin.js';

export type OriginRule =
  | 'same-origin'
  | '*'
  | RegExp
  | readonly (string | RegExp)[]
  | ((origin: string, request: HandshakeRequest) => boolean);

/** @throws from the check: what a function of the application throws, or `ERR_UPGRADE` when it returns no boolean */
export function compileOrigins(rule: OriginRule): OriginCheck {
  if (rule === '*') return () => true;
  if (rule === 'same-origin') return isSameOrigin;
  if (typeof rule === 'function') return (origin, request) => ask(rule, origin, request);
  const patterns = (rule instanceof RegExp ? [rule] : rule).map(toPattern);
  return (origin) => patterns.some((pattern) => pattern.test(origin));
}

/** A pattern has to match the whole origin: one without anchors would let `https://example.com.evil.example` in. */
function toPattern(entry: string | RegExp): RegExp {
  // The flags g and y make a pattern remember where it stopped.
  if (entry instanceof RegExp)
    return new RegExp(`^(?:${entry.source})$`, entry.flags.replaceAll(/[gy]/g, ''));
  const literal = normalizeOrigin(entry)!.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  // `*.` stands for one label or more.
  return new RegExp(`^${literal.replace('://*\\.', '://(?:[^./:@]+\\.)+')}$`, 'i');
}

function ask(
  rule: (origin: string, request: HandshakeRequest) => boolean,
  origin: string,
  request: HandshakeRequest,
): boolean {
  const answer: unknown = rule(origin, request);
  if (typeof answer === 'boolean') return answer;
  // A promise would count as true.
  const got = describeReturned(answer);
  throw new HubError('ERR_UPGRADE', `origins returned ${got} but has to return true or false`);
}

function isSameOrigin(origin: string, { headers: { host } }: HandshakeRequest): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  // Behind a TLS proxy the Host header has no scheme to compare: the origin's own drops its default port on both.
  const url = `${protocol}//${host}`;
  return URL.canParse(url) && new URL(url).host === originHost && originHost !== '';
}
