/** The keys that tokens are verified with, checked against the algorithms: a public key is never taken for a secret. */
import { createPublicKey, createSecretKey, KeyObject } from 'node:crypto';
import { findPublicKey } from './public-key.js';
import { bad } from './token.js';

/** What signs with each algorithm (RFC 7518 §3.1, RFC 8037): bytes of a secret, or the type of a key and its curve. */
const ALGORITHMS = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
  RS256: 'rsa',
  RS384: 'rsa',
  RS512: 'rsa',
  PS256: 'rsa',
  PS384: 'rsa',
  PS512: 'rsa',
  ES256: 'ec prime256v1',
  ES384: 'ec secp384r1',
  ES512: 'ec secp521r1',
  EdDSA: 'ed25519',
} as const;

/** RFC 7518 §3.3: tokens of a shorter key are never valid. */
export const MIN_RSA_BITS = 2048;

/** Signature algorithms of JSON Web Tokens (RFC 7518 §3.1, RFC 8037 §3.1). `none` is not among them. */
export type JwtAlgorithm = keyof typeof ALGORITHMS;

/** @throws HubError `ERR_OPTION` when there is none, or one that does not fit */
export function checkAlgorithms(algorithms: readonly JwtAlgorithm[]): void {
  const known = Object.keys(ALGORITHMS);
  if (!Array.isArray(algorithms) || algorithms.length === 0)
    throw bad(`algorithms takes a list of ${known.join(', ')}`);
  const unknown = algorithms.find((name) => !known.includes(name));
  if (unknown !== undefined) throw bad(`algorithms takes a list of ${known.join(', ')}, not ${unknown}`);
}

/** A key that every algorithm fits. @throws HubError `ERR_OPTION` */
export function readKey(
  given: string | Uint8Array | KeyObject,
  algorithms: readonly JwtAlgorithm[],
): KeyObject {
  const key = toKeyObject(given);
  const misfit = algorithms.find((name) => !fits(key, ALGORITHMS[name]));
  if (misfit === undefined) return key;
  const needs = ALGORITHMS[misfit];
  const bits = needs === 'rsa' ? ` of at least ${MIN_RSA_BITS} bits` : '';
  const wanted =
    typeof needs === 'number' ? `a secret of at least ${needs} bytes` : `a public key: ${needs}${bits}`;
  throw bad(`the key, ${describeKey(key)}, does not fit the algorithm ${misfit}, which takes ${wanted}`);
}

function describeKey({ type, symmetricKeySize, asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  if (type === 'secret') return `a secret of ${symmetricKeySize} bytes`;
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
  const detail = modulusLength === undefined ? (namedCurve ?? '') : `of ${modulusLength} bits`;
  return `a public key: ${asymmetricKeyType} ${detail}`.trimEnd();
}

function toKeyObject(given: string | Uint8Array | KeyObject): KeyObject {
  if (given instanceof KeyObject) {
    if (given.type === 'secret') return findPublicKey(given.export()) ?? given;
    return given.type === 'private' ? createPublicKey(given) : given;
  }
  if (typeof given !== 'string' && !(given instanceof Uint8Array))
    throw bad('key takes a string, bytes or a KeyObject');
  const bytes = Buffer.from(given as string);
  const found = findPublicKey(bytes) ?? (typeof given === 'string' ? findInText(given) : undefined);
  return found ?? createSecretKey(bytes);
}

/** Bytes that were read as a text. */
function findInText(text: string): KeyObject | undefined {
  if (text.includes('\ufffd')) throw bad('key is bytes that were read as UTF-8 text: give the bytes');
  return findPublicKey(Buffer.from(text, 'latin1'));
}

function fits(key: KeyObject, needs: number | string): boolean {
  if (typeof needs === 'number') return key.type === 'secret' && (key.symmetricKeySize ?? 0) >= needs;
  const { namedCurve: curve, modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS) return false;
  return `${key.asymmetricKeyType}${curve === undefined ? '' : ` ${curve}`}` === needs;
}
