/**
 * An `upgrade` hook that asks for a JSON Web Token (RFC 7519). Runs on the front end thread.
 *
 * @module shardhub/auth
 */
import type { KeyObject } from 'node:crypto';
import { HubError } from '../errors.js';
import type { UpgradeHook, UpgradeRejection, UpgradeResult } from '../upgrade.js';
import type { HandshakeRequest } from '../wire/request.js';
import type { JwtAlgorithm } from './keys.js';
import { bad, checkSources, findToken, SUBPROTOCOL_PREFIX, type TokenSource } from './token.js';
import { openVerifier } from './verify.js';

export { type JwtAlgorithm, SUBPROTOCOL_PREFIX, type TokenSource };

/** The claims of a token that was verified (RFC 7519 §4). */
export interface JwtClaims {
  /** Who issued it (§4.1.1). */
  readonly iss?: string;
  /** Who it is about (§4.1.2). */
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
   * bytes, a public key or certificate as PEM text or its bytes (RSA: at least 2048 bits), or a `KeyObject`. Either
   * this or `jwks`.
   */
  readonly key?: string | Uint8Array | KeyObject;
  /** Path of a file with a JSON Web Key Set. Read again within a second of a change, while tokens come. */
  readonly jwks?: string;
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

/**
 * Makes an `upgrade` hook that lets in whoever brings a valid token, and refuses everybody else with 401 (RFC 6750 §3).
 * A connection outlives its token: bound that with `maxLifetime`.
 *
 * @throws HubError `ERR_OPTION` that names what does not fit, such as an algorithm and a key
 */
export function jwtUpgrade<Data = JwtData>(options: JwtUpgradeOptions<Data>): UpgradeHook<Data> {
  const { issuer, audience, map, clockToleranceSeconds = 5, requiredClaims = ['exp'] } = options;
  if (!Number.isFinite(clockToleranceSeconds) || clockToleranceSeconds < 0)
    throw bad('clockToleranceSeconds takes a number of at least 0 (seconds)');
  const sources = checkSources(options);
  const verify = openVerifier(options, {
    requiredClaims,
    clockToleranceSeconds,
    issuer: listOf(issuer),
    audience: listOf(audience),
  });
  return async (request) => {
    const token = findToken(request, sources, options.cookie);
    if (token === undefined) return unauthorized('Bearer');
    let claims: JwtClaims;
    try {
      claims = await verify(token);
    } catch {
      // Why is between the token's issuer and this server: whoever tries tokens learns nothing from it.
      return unauthorized('Bearer error="invalid_token"');
    }
    if (map === undefined) return { data: toData(claims) as Data };
    return checkMapped(await map(claims, request));
  };
}

function toData(claims: JwtClaims): JwtData {
  return typeof claims.sub === 'string' ? { userId: claims.sub, claims } : { claims };
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
