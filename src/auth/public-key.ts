/**
 * Finds a public key in what may be meant as a secret, however it was written down: whoever has the public key could
 * sign tokens if it were taken for one.
 */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { bad } from './token.js';

/** Forms that no key is read from. By what their text has in it. */
const FOREIGN_FORMS: readonly (readonly [pattern: RegExp, form: string])[] = [
  [/["'](kty|keys)\\?["']\s*:/, 'a JSON Web Key as JSON text'],
  // The line of an authorized_keys file, RFC 4716 (four dashes), and the bytes of RFC 4253 §6.6.
  [/(^|\s)(ssh-[\w-]+|ecdsa-sha2-\S+|sk-\S+)\s+AAAA|^---- BEGIN /m, 'a key of SSH'],
  [/AAAA(\w3NzaC1|E2VjZHNhLXNoYTI)|^PuTTY-User-Key-File/m, 'a key of SSH'],
  [/^\p{Cc}{1,4}(ssh-|ecdsa-sha2-|sk-)/u, 'a key of SSH'],
  [/<RSAKeyValue>/, 'a key as XML'],
  [/\b(BEGIN|END)(\s|\+|%20)[\w\s+%]*(KEY|CERTIFICATE)/i, 'PEM text that something has changed'],
];
/** The last two are of private keys, which the types of Node.js leave out here. */
const DER_TYPES = ['spki', 'pkcs1', 'pkcs8', 'sec1'] as const;
const DER_SEQUENCE = 0x30;
/** What editors put before a key: byte order marks (UTF-8, UTF-16), and spaces. */
const LEAD = /^(?:\xef\xbb\xbf|\xfe\xff|\xff\xfe|[\t\n\r ])+/;
const LETTERS = { base64: /^[\w+/=\s-]+/, hex: /^(0x)?[\da-f\s:]+/i };
/** Where DER may begin, behind other text: 0x30, and no letter before it. */
const DER_BEGINS = { base64: /(?<![\w+/-])M/g, hex: /(?<![\da-f])30/gi };
type Encoding = keyof typeof LETTERS;

/**
 * The public key in PEM text, also behind other text or in UTF-16, or in DER; undefined when there is none, so that the
 * bytes may be a secret.
 *
 * @throws HubError `ERR_OPTION` when there is one in a form that it is not read from
 */
export function findPublicKey(bytes: Buffer): KeyObject | undefined {
  // UTF-16 in either order becomes plain text.
  const text = bytes.toString('latin1').replaceAll('\0', '').replace(LEAD, '');
  const pemAt = text.indexOf('-----BEGIN ');
  if (pemAt >= 0) return readPem(text.slice(pemAt));
  const foreign = FOREIGN_FORMS.find(([pattern]) => pattern.test(text));
  if (foreign !== undefined) throw wrongForm(foreign[1]);
  for (const encoding of ['base64', 'hex'] as const) {
    const decoded = decode(text, encoding);
    if (holdsKey(decoded) || holdsDer(text, encoding)) throw wrongForm(`a key in ${encoding}`);
  }
  return readDer(bytes);
}

function readPem(text: string): KeyObject {
  try {
    return createPublicKey(text);
  } catch (thrown) {
    throw bad(`key is PEM text but no key or certificate (${(thrown as Error).message})`);
  }
}

/** A key, a certificate, or the public half of a private key. */
function readDer(bytes: Buffer): KeyObject | undefined {
  const start = LEAD.exec(bytes.toString('latin1'))?.[0].length ?? 0;
  if (bytes[start] !== DER_SEQUENCE) return undefined;
  const key = bytes.subarray(start);
  for (const type of DER_TYPES) {
    const found = attempt(() => createPublicKey({ key, format: 'der', type: type as 'spki' }));
    if (found !== undefined) return found;
  }
  return attempt(() => new X509Certificate(key).publicKey);
}

/** What a text says before the first letter that is none of the encoding's. */
function decode(text: string, encoding: Encoding): Buffer {
  const [letters = ''] = LETTERS[encoding].exec(text) ?? [];
  return Buffer.from(encoding === 'hex' ? letters.replaceAll(/^0x|[\s:]/gi, '') : letters, encoding);
}

/** True for DER in letters that other text stands before. */
function holdsDer(text: string, encoding: Encoding): boolean {
  const begins = [...text.matchAll(DER_BEGINS[encoding])];
  return begins.some(({ index }) => readDer(decode(text.slice(index), encoding)) !== undefined);
}

function holdsKey(bytes: Buffer): boolean {
  if (bytes.length === 0) return false;
  try {
    return findPublicKey(bytes) !== undefined;
  } catch {
    return true;
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function wrongForm(form: string) {
  return bad(
    `key is ${form}: give a public key as PEM text, DER bytes or a KeyObject, and a secret as its bytes`,
  );
}
