/**
 * Who may read the statistics: whoever has the token, or, on a loopback address without one, this machine. Pure.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { hostnameOf, isLoopbackHost } from '../../util/address.js';
import { type Refusal, refusal } from '../admission/admission.js';

export interface StatsRules {
  /** What the hub listens on. */
  readonly host: string;
  readonly statsToken?: string | undefined;
}

/** `open`: no token is needed; `token`: one is; `closed`: nobody may, since there is none where one is needed. */
export type StatsAccess = 'open' | 'token' | 'closed';

export function statsAccess({ host, statsToken }: StatsRules): StatsAccess {
  if (statsToken !== undefined) return 'token';
  return isLoopbackHost(host) ? 'open' : 'closed';
}

/** The refusal of a request for statistics, or undefined. */
export function refuseStats(
  headers: Readonly<Record<string, string>>,
  rules: StatsRules,
): Refusal | undefined {
  switch (statsAccess(rules)) {
    case 'token':
      return hasToken(headers.authorization, rules.statsToken!) ? undefined : badToken();
    case 'closed':
      return refusal(
        'token-required',
        '403 Forbidden',
        'This hub listens on more than a loopback address: set the option statsToken (--stats-token) to read its statistics.',
      );
    case 'open':
      return isLocalPage(headers) ? undefined : badHost();
  }
}

/** Bearer credentials (RFC 6750 §2.1), compared in a time that does not depend on where they differ. */
export function hasToken(authorization: string | undefined, token: string): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** All of one length, as the comparison wants. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function badToken(): Refusal {
  return refusal('bad-token', '401 Unauthorized', 'Send the token: "Authorization: Bearer <statsToken>".', [
    ['WWW-Authenticate', 'Bearer realm="shardhub statistics"'],
  ]);
}

/**
 * Under a foreign name a web page may have got here by DNS rebinding, and would read what is this machine's. A page
 * of another site could not read the answer, but hold streams open.
 */
function isLocalPage(headers: Readonly<Record<string, string>>): boolean {
  if (!isLoopbackHost(hostnameOf(headers.host) ?? '')) return false;
  const site = headers['sec-fetch-site'];
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  return isOwn || headers['sec-fetch-mode'] === 'navigate';
}

function badHost(): Refusal {
  return refusal(
    'bad-host',
    '403 Forbidden',
    'Without a token, statistics are for this machine under a loopback name: set the option statsToken (--stats-token).',
  );
}
