/** Verifies tokens: the only file that imports jose. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyOptions, jwtVerify } from 'jose';
import { checkAlgorithms, type KeyOptions, KeySetFile, readKey } from './keys.js';
import { bad } from './token.js';

/** What a token has to be, beside signed. */
export interface TokenChecks {
  readonly requiredClaims: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly issuer?: readonly string[] | undefined;
  readonly audience?: readonly string[] | undefined;
}

/** The claims of a token; rejects when it is not a valid one. */
export type Verify = (token: string) => Promise<Readonly<Record<string, unknown>>>;

/** @throws HubError `ERR_OPTION` that names what does not fit */
export function openVerifier({ key, jwks, algorithms }: KeyOptions, checks: TokenChecks): Verify {
  checkAlgorithms(algorithms);
  const options = toJoseOptions(algorithms, checks);
  if ((key === undefined) === (jwks === undefined)) throw bad('takes either key or jwks');
  if (key !== undefined) {
    const one = readKey(key, algorithms);
    return async (token) => (await jwtVerify(token, one, options)).payload;
  }
  const secretly = algorithms.find((name) => name.startsWith('HS'));
  if (secretly !== undefined) throw bad(`jwks holds public keys: the algorithm ${secretly} takes a key`);
  return openKeySet(jwks!, options);
}

function openKeySet(path: string, options: JWTVerifyOptions): Verify {
  const file = new KeySetFile(path);
  let set = load(file);
  // Looking costs a system call, and anybody can make it look.
  const [mayLook, mayLookForUnknown] = [onceASecond(), onceASecond()];
  const look = (): void => {
    try {
      if (file.hasChanged()) set = load(file);
    } catch {
      // It may be half written. The keys that were known stay.
    }
  };
  const verify = async (token: string) => {
    try {
      return (await jwtVerify(token, set, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return verifyWithAny(token, error, options);
    }
  };
  return async (token) => {
    // A key may have been taken out, or replaced.
    if (mayLook()) look();
    try {
      return await verify(token);
    } catch (error) {
      // The token may be of a key that was added just now.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayLookForUnknown()) throw error;
      look();
      return verify(token);
    }
  };
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

function load(file: KeySetFile) {
  return createLocalJWKSet(file.read() as JSONWebKeySet);
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
