/** A set of public keys (RFC 7517 §5), and the file that it may be in. */
import { createPublicKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { MIN_RSA_BITS } from './keys.js';
import { bad } from './token.js';

export interface KeySet {
  /** Those that tokens may be verified with. */
  readonly keys: readonly object[];
  /** What the others are, for the log; undefined when there are none. */
  readonly passedOver: string | undefined;
}

/** @throws Error when the text is no set */
export function parseKeySet(text: string): KeySet {
  const { keys } = (JSON.parse(text) ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'object' || key === null))
    throw new Error('it is not a JSON Web Key Set: it has no list "keys" (RFC 7517 §5)');
  const faults = keys.map(faultOf);
  const named = faults.flatMap((fault, at) =>
    fault === undefined ? [] : [`${nameOf(keys[at], at)} is ${fault}`],
  );
  return {
    keys: keys.filter((_, at) => faults[at] === undefined),
    passedOver: named.length === 0 ? undefined : named.join('; '),
  };
}

/** Why no token is verified with a key. One that is not usable would make those beside it unusable too. */
function faultOf(jwk: { kty?: unknown; d?: unknown }): string | undefined {
  // Types that are not known are for somebody else (RFC 7517 §5).
  if (!['RSA', 'EC', 'OKP', 'oct'].includes(jwk.kty as string)) return undefined;
  if (jwk.kty === 'oct') return 'a secret, which does not belong into a set of public keys';
  if (jwk.d !== undefined) return 'a private key, which does not belong into a set of public keys';
  try {
    const { modulusLength = MIN_RSA_BITS } =
      createPublicKey({ key: jwk as never, format: 'jwk' }).asymmetricKeyDetails ?? {};
    return modulusLength < MIN_RSA_BITS
      ? `RSA of ${modulusLength} bits, and at least ${MIN_RSA_BITS} are needed (RFC 7518 §3.3)`
      : undefined;
  } catch (thrown) {
    return `not usable (${textOf(thrown)})`;
  }
}

function nameOf({ kid }: { kid?: unknown }, at: number): string {
  return typeof kid === 'string' ? `the key ${JSON.stringify(kid)}` : `key ${at + 1}`;
}

/** A set in a file, which changes when keys are rotated. */
export class KeySetFile {
  readonly path: string;
  #modifiedAt = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws HubError `ERR_OPTION` that names the file */
  read(): KeySet {
    try {
      this.#modifiedAt = statSync(this.path).mtimeMs;
      return parseKeySet(readFileSync(this.path, 'utf8'));
    } catch (thrown) {
      throw bad(`jwks: cannot read ${this.path}: ${textOf(thrown)}`);
    }
  }

  /** True when it is another file than the one that was read. */
  hasChanged(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.mtimeMs !== this.#modifiedAt;
  }
}

export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
