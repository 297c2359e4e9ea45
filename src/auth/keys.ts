/** The keys that tokens are verified with, checked against the algorithms: a public key is never taken for a secret. */
import { createPublicKey, createSecretKey, KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
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
const MIN_RSA_BITS = 2048;

/** Signature algorithms of JSON Web Tokens (RFC 7518 §3.1, RFC 8037 §3.1). `none` is not among them. */
export type JwtAlgorithm = keyof typeof ALGORITHMS;

export interface KeyOptions {
  readonly key?: string | Uint8Array | KeyObject;
  readonly jwks?: string;
  readonly algorithms: readonly JwtAlgorithm[];
}

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
  throw bad(`the key does not fit the algorithm ${misfit}, which takes ${wanted}`);
}

function toKeyObject(given: string | Uint8Array | KeyObject): KeyObject {
  if (given instanceof KeyObject) return given.type === 'private' ? createPublicKey(given) : given;
  if (typeof given !== 'string' && !(given instanceof Uint8Array))
    throw bad('key takes a string, bytes or a KeyObject');
  const bytes = Buffer.from(given as string);
  const text = bytes.toString('latin1');
  if (!text.trimStart().startsWith('-----BEGIN ')) return createSecretKey(bytes);
  try {
    return createPublicKey(text);
  } catch (thrown) {
    throw bad(`key is PEM text but no key or certificate (${textOf(thrown)})`);
  }
}

function fits(key: KeyObject, needs: number | string): boolean {
  if (typeof needs === 'number') return key.type === 'secret' && (key.symmetricKeySize ?? 0) >= needs;
  const { namedCurve: curve, modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS) return false;
  return `${key.asymmetricKeyType}${curve === undefined ? '' : ` ${curve}`}` === needs;
}

/** A file of public keys, which changes when they are rotated. */
export class KeySetFile {
  readonly #path: string;
  #modifiedAt = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The set, as JSON. @throws HubError `ERR_OPTION` that names the file */
  read(): { keys: object[] } {
    let set: unknown;
    try {
      this.#modifiedAt = statSync(this.#path).mtimeMs;
      set = JSON.parse(readFileSync(this.#path, 'utf8'));
    } catch (thrown) {
      throw bad(`jwks: cannot read ${this.#path}: ${textOf(thrown)}`);
    }
    const { keys } = (set ?? {}) as { keys?: unknown };
    if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'object' || key === null))
      throw bad(`jwks: ${this.#path} is not a JSON Web Key Set: it has no list "keys" (RFC 7517 §5)`);
    return { keys };
  }

  /** True when it is another file than the one that was read. */
  hasChanged(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs !== this.#modifiedAt;
  }
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
