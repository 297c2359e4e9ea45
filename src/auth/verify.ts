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
  return async (token) => {
    try {
      return (await jwtVerify(token, set, options)).payload;
    } catch (error) {
      // Keys are rotated by adding one: the token may be of a newer one.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !file.hasChanged(performance.now())) throw error;
      set = load(file);
      return (await jwtVerify(token, set, options)).payload;
    }
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
