/** Verifies tokens: the only file that imports jose. */
import type { KeyObject } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import type { HubError } from '../api/errors.js';
import { type KeySet, KeySetFile } from './key-set.js';
import { checkAddress, isAddress, KeySetUrl } from './key-set-url.js';
import { checkAlgorithms, type JwtAlgorithm, readKey } from './keys.js';
import { bad, checkSeconds } from './token.js';

/** Where the keys come from. */
export interface KeyOptions {
  readonly key?: string | Uint8Array | KeyObject;
  readonly jwks?: string | URL;
  readonly jwksCacheSeconds?: number;
  readonly jwksCooldownSeconds?: number;
  readonly jwksTimeoutSeconds?: number;
  readonly algorithms: readonly JwtAlgorithm[];
}

/** What a token has to be, beside signed. */
export interface TokenChecks {
  readonly requiredClaims: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly issuer?: readonly string[] | undefined;
  readonly audience?: readonly string[] | undefined;
}

/** The claims of a token. Rejects when it is not a valid one, with a `HubError` when that cannot be told. */
export type Verify = (token: string) => Promise<Readonly<Record<string, unknown>>>;

/** Is told what the log should have, though no token can be blamed for it. */
type Note = (problem: HubError) => void;

/** @throws HubError `ERR_OPTION` that names what does not fit */
export function openVerifier(options: KeyOptions, checks: TokenChecks, note: Note): Verify {
  const { key, jwks, algorithms } = options;
  checkAlgorithms(algorithms);
  const demands = toJoseOptions(algorithms, checks);
  if ((key === undefined) === (jwks === undefined)) throw bad('takes either key or jwks');
  if (key !== undefined) {
    const one = readKey(key, algorithms);
    return async (token) => (await jwtVerify(token, one, demands)).payload;
  }
  const secretly = algorithms.find((name) => name.startsWith('HS'));
  if (secretly !== undefined) throw bad(`jwks holds public keys: the algorithm ${secretly} takes a key`);
  const place = String(jwks);
  if (jwks instanceof URL ? jwks.protocol !== 'file:' : isAddress(place))
    return openAddress(checkAddress(place), options, demands, note);
  return openFile(jwks instanceof URL ? fileURLToPath(jwks) : place, demands, note);
}

/** Keys at an address: asked for with the first token, and again ahead of their end, so that no handshake waits for it. */
function openAddress(url: URL, options: KeyOptions, demands: JWTVerifyOptions, note: Note): Verify {
  const cacheMs = 1000 * checkSeconds(options, 'jwksCacheSeconds', 600);
  const timeoutMs = Math.ceil(1000 * checkSeconds(options, 'jwksTimeoutSeconds', 3));
  const source = new KeySetUrl(url, (set) => notePassedOver(set, url.href, note));
  const set = createRemoteJWKSet(url, {
    cacheMaxAge: cacheMs,
    cooldownDuration: 1000 * checkSeconds(options, 'jwksCooldownSeconds', 30),
    timeoutDuration: timeoutMs,
    [customFetch]: source.fetch,
  });
  return (token) => {
    if (set.fresh && !set.reloading && source.ageMs > cacheMs / 2) set.reload().catch(note);
    return verify(token, set, demands);
  };
}

function openFile(path: string, demands: JWTVerifyOptions, note: Note): Verify {
  const file = new KeySetFile(path);
  const load = () => {
    const read = file.read();
    if (read.keys.length === 0 && read.passedOver !== undefined)
      throw bad(`jwks: ${path} has no key that can be used: ${read.passedOver}`);
    notePassedOver(read, path, note);
    return createLocalJWKSet({ keys: read.keys } as JSONWebKeySet);
  };
  let set = load();
  // Looking costs a system call, and anybody can make it look.
  const [mayLook, mayLookForUnknown] = [onceASecond(), onceASecond()];
  const look = (): void => {
    try {
      if (file.hasChanged()) set = load();
    } catch {
      // It may be half written. The keys that were known stay.
    }
  };
  return async (token) => {
    // A key may have been taken out, or replaced.
    if (mayLook()) look();
    try {
      return await verify(token, set, demands);
    } catch (error) {
      // The token may be of a key that was added just now.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayLookForUnknown()) throw error;
      look();
      return verify(token, set, demands);
    }
  };
}

function notePassedOver({ passedOver }: KeySet, place: string, note: Note): void {
  if (passedOver !== undefined) note(bad(`jwks: ${place}: ${passedOver}: tokens of it are refused`));
}

async function verify(token: string, set: JWTVerifyGetKey, demands: JWTVerifyOptions) {
  try {
    return (await jwtVerify(token, set, demands)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    return verifyWithAny(token, error, demands);
  }
}

/** For a token that does not name its key. */
async function verifyWithAny(
  token: string,
  candidates: InstanceType<typeof errors.JWKSMultipleMatchingKeys>,
  options: JWTVerifyOptions,
) {
  for await (const key of candidates) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

function onceASecond(): () => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - last < 1000) return false;
    last = now;
    return true;
  };
}

function toJoseOptions(algorithms: readonly string[], checks: TokenChecks): JWTVerifyOptions {
  const { issuer, audience, requiredClaims, clockToleranceSeconds } = checks;
  return {
    algorithms: [...algorithms],
    requiredClaims: [...requiredClaims],
    clockTolerance: clockToleranceSeconds,
    ...(issuer === undefined ? {} : { issuer: [...issuer] }),
    ...(audience === undefined ? {} : { audience: [...audience] }),
  };
}
