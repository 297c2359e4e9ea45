/**
 * An `upgrade` hook that asks for a JSON Web Token (RFC 7519). Runs on the I/O thread.
 *
 * @module shardhub/auth
 */
import type { KeyObject } from 'node:crypto';
import { HubError } from './api/errors.js';
import type { HandshakeRequest } from './api/handshake-request.js';
import type { UpgradeHook, UpgradeRejection, UpgradeResult } from './api/upgrade.js';
import type { JwtAlgorithm } from './auth/keys.js';
import {
  bad,
  checkSeconds,
  checkSources,
  findToken,
  SUBPROTOCOL_PREFIX,
  type TokenSource,
} from './auth/token.js';
import { openVerifier } from './auth/verify.js';

export { type JwtAlgorithm, SUBPROTOCOL_PREFIX, type TokenSource };

/** The claims of a token that was verified (RFC 7519 §4). */
export interface JwtClaims {
  /** Who issued it (§4.1.1). */
  readonly iss?: string;
  /** Who it is about (§4.1.2). A whole number is taken as its decimal text. */
  readonly sub?: string;
  /** For whom it is meant (§4.1.3). */
  readonly aud?: string | string[];
  /** When it ends, in seconds since 1970-01-01 UTC (§4.1.4). */
  readonly exp?: number;
  /** When it begins, in the same (§4.1.5). */
  readonly nbf?: number;
  /** When it was issued, in the same (§4.1.6). */
  readonly iat?: number;
  /** Its own identifier (§4.1.7). */
  readonly jti?: string;
  /** Any other claim. */
  readonly [claim: string]: unknown;
}

/** `connection.data` without a `map` of one's own. */
export interface JwtData {
  /** The claim `sub`. */
  readonly userId?: string;
  /** The whole payload of the token. */
  readonly claims: JwtClaims;
}

/** What {@link jwtUpgrade} takes. Everything but `algorithms`, and `key` or `jwks`, may be left out. */
export interface JwtUpgradeOptions<Data = JwtData> {
  /**
   * What tokens are signed with: a secret (at least as many bytes as its hash has, RFC 7518 §3.2) as a string or
   * bytes, a public key or certificate as PEM text or DER bytes (RSA: at least 2048 bits), or a `KeyObject`. Either
   * this or `jwks`.
   */
  readonly key?: string | Uint8Array | KeyObject;
  /**
   * A JSON Web Key Set (RFC 7517 §5): the path of a file, read again within a second of a change while tokens come, or
   * an `https:` address (`http:` on this machine only), asked for with the first token. Keys that cannot be used are
   * passed over.
   */
  readonly jwks?: string | URL;
  /** Seconds for which keys from an address hold; they are asked for again after half of it. Default: 600. */
  readonly jwksCacheSeconds?: number;
  /** Seconds within which a token of an unknown key does not make the address be asked again. Default: 30. */
  readonly jwksCooldownSeconds?: number;
  /** Longest wait for the address, in seconds; no more than `upgradeTimeoutMs`. Default: 3. */
  readonly jwksTimeoutSeconds?: number;
  /** Signature algorithms that are accepted, such as `['ES256']`. They have to fit the key. */
  readonly algorithms: readonly JwtAlgorithm[];
  /** The claim `iss` has to be this one, or one of these. */
  readonly issuer?: string | readonly string[];
  /** The claim `aud` has to contain this one, or one of these. */
  readonly audience?: string | readonly string[];
  /** Seconds by which clocks may differ, from 0. Default: 5. */
  readonly clockToleranceSeconds?: number;
  /** Claims that a token has to have. Default: `exp`, so that every token ends at some time. */
  readonly requiredClaims?: readonly string[];
  /**
   * Where the token may be; the first place that has one counts. Default: header and subprotocol, and cookie when its
   * name is given.
   *
   * - `header`: `Authorization: Bearer <token>` (RFC 6750 §2.1). Browsers cannot set it for a WebSocket.
   * - `subprotocol`: for browsers: `new WebSocket(url, ['shardhub.bearer.' + token, 'chat'])`. It is never chosen:
   *   offer one of the hub's `subprotocols` beside it, for browsers want one of theirs chosen.
   * - `cookie`: see `cookie`. Leave `origins` at `same-origin` or at a list: a browser sends its cookies along whatever
   *   page asks.
   * - `query`: `?access_token=<token>`. Not by default: URLs end up in the logs of every proxy, in the browser's
   *   history and in error reports, and with them the token.
   */
  readonly from?: readonly TokenSource[];
  /** Name of the cookie. */
  readonly cookie?: string;
  /**
   * What a verified token comes to; may refuse all the same. Default: lets in, with {@link JwtData} as `data`. The whole
   * payload is kept in memory for each connection: return what is needed when it is large.
   */
  readonly map?: (
    claims: JwtClaims,
    request: HandshakeRequest,
  ) => UpgradeResult<Data> | Promise<UpgradeResult<Data>>;
}

/** A misspelt check would be one that is not made. */
const NAMES = Object.keys({
  key: 0,
  jwks: 0,
  jwksCacheSeconds: 0,
  jwksCooldownSeconds: 0,
  jwksTimeoutSeconds: 0,
  algorithms: 0,
  issuer: 0,
  audience: 0,
  clockToleranceSeconds: 0,
  requiredClaims: 0,
  from: 0,
  cookie: 0,
  map: 0,
} satisfies Record<keyof JwtUpgradeOptions, 0>);

/**
 * Makes an `upgrade` hook that lets in whoever brings a valid token, and refuses everybody else with 401 (RFC 6750 §3).
 * A connection outlives its token: bound that with `maxLifetime`.
 *
 * @throws HubError `ERR_OPTION` that names what does not fit, such as an algorithm and a key
 */
export function jwtUpgrade<Data = JwtData>(options: JwtUpgradeOptions<Data>): UpgradeHook<Data> {
  const { issuer, audience, map, requiredClaims = ['exp'] } = options;
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw bad(`there is no option ${unknown}; there are ${NAMES.join(', ')}`);
  const sources = checkSources(options);
  const checks = {
    requiredClaims,
    clockToleranceSeconds: checkSeconds(options, 'clockToleranceSeconds', 5, 0),
    issuer: listOf(issuer),
    audience: listOf(audience),
  };
  // A hook has no log of its own: what should be there goes along with the next refusal.
  let noted: HubError | undefined;
  const note = (problem: HubError) => {
    noted = problem;
  };
  const verify = openVerifier(options, checks, note);
  return async (request) => {
    const token = findToken(request, sources, options.cookie);
    if (token === undefined) return unauthorized('Bearer');
    let claims: JwtClaims;
    try {
      claims = withTextualSubject(await verify(token), note);
    } catch (error) {
      if (error instanceof HubError) return { ...UNAVAILABLE, cause: error };
      const cause = noted;
      noted = undefined;
      // Why is between the token's issuer and this server: whoever tries tokens learns nothing from it.
      return { ...unauthorized('Bearer error="invalid_token"'), cause };
    }
    if (map === undefined) return { data: toData(claims) as Data };
    return checkMapped(await map(claims, request));
  };
}

/** The key set cannot be had. */
const UNAVAILABLE: UpgradeRejection = {
  reject: 503,
  body: 'Tokens cannot be checked now: try again.',
  headers: { 'Retry-After': '1', 'Cache-Control': 'no-store' },
};

/** Many issuers number their users, though RFC 7519 §4.1.2 wants a string. Beyond 2^53 two numbers may have become one. */
function withTextualSubject(
  claims: Readonly<Record<string, unknown>>,
  note: (problem: HubError) => void,
): JwtClaims {
  const { sub } = claims;
  if (sub === undefined || typeof sub === 'string') return claims as JwtClaims;
  if (Number.isSafeInteger(sub)) return { ...claims, sub: String(sub) };
  const problem = 'a token was refused whose claim sub is neither a string nor a whole number below 2^53';
  note(new HubError('ERR_UPGRADE', `jwtUpgrade: ${problem} (RFC 7519 §4.1.2 wants a string)`));
  throw new Error(problem);
}

function toData(claims: JwtClaims): JwtData {
  return claims.sub !== undefined ? { userId: claims.sub, claims } : { claims };
}

function unauthorized(challenge: string): UpgradeRejection {
  return {
    reject: 401,
    body: 'A valid token is required.',
    headers: { 'WWW-Authenticate': challenge, 'Cache-Control': 'no-store' },
  };
}

/** What is chosen goes back to the client and into the logs of what is between: never the token. */
function checkMapped<Data>(result: UpgradeResult<Data>): UpgradeResult<Data> {
  if (result !== undefined && 'subprotocol' in result && result.subprotocol?.startsWith(SUBPROTOCOL_PREFIX))
    throw new HubError('ERR_UPGRADE', 'jwtUpgrade: map chose the subprotocol that carries the token');
  return result;
}

function listOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === 'string' ? [value] : value;
}
