/** JSON Web Tokens, made by hand (RFC 7515 §3.1). */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export const seconds = (offset: number) => Math.floor(Date.now() / 1000) + offset;
export const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function makeToken(header: object, claims: object, signInput: (input: string) => Buffer): string {
  const input = `${base64(header)}.${base64(claims)}`;
  return `${input}.${signInput(input).toString('base64url')}`;
}

/** An RSA key pair, what it signs, and how a key set has it. */
export class Signer {
  readonly #pair: { publicKey: KeyObject; privateKey: KeyObject };

  constructor(modulusLength = 2048) {
    this.#pair = generateKeyPairSync('rsa', { modulusLength });
  }

  token(header: object = {}, claims: object = { sub: 'ann', exp: seconds(3600) }): string {
    return makeToken({ alg: 'RS256', ...header }, claims, (input) =>
      sign('sha256', Buffer.from(input), this.#pair.privateKey),
    );
  }

  jwk(fields: object = {}): object {
    return { ...this.#pair.publicKey.export({ format: 'jwk' }), ...fields };
  }
}
