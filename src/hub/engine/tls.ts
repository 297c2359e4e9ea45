/** The files of the option `tls`, checked before the engine gets them: all that it says is that it does not like them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HubError } from '../../api/errors.js';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly key: string;
  /** The certificate, followed by those between it and its root. */
  readonly cert: string;
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined;
  /** Suites of TLS 1.2, by OpenSSL's names. */
  readonly ciphers?: string | undefined;
  /** The authorities whose certificates clients have. */
  readonly clientCa?: string | undefined;
  readonly clientCert?: 'require' | 'request' | undefined;
}

/** What the files say, in PEM format. */
export interface TlsSecrets {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly clientCa?: Buffer;
}

/**
 * Those that have forward secrecy and authenticate what they encrypt. TLS 1.3 has no others, and the engine takes
 * nothing older than 1.2; left to itself, it takes suites without either.
 */
export const SAFE_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** @throws HubError `ERR_TLS` that names the file and what is wrong with it */
export async function readTlsFiles({ key, cert, passphrase, clientCa }: TlsFiles): Promise<TlsSecrets> {
  const secrets = { key: await read('key', key), cert: await read('cert', cert) };
  const privateKey = parseKey(key, secrets.key, passphrase);
  const certificate = parseCertificate('cert', cert, secrets.cert);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new HubError('ERR_TLS', `tls: the key ${key} does not belong to the certificate ${cert}`);
  }
  if (clientCa === undefined) return secrets;
  const authorities = await read('clientCa', clientCa);
  parseCertificate('clientCa', clientCa, authorities);
  return { ...secrets, clientCa: authorities };
}

async function read(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw new HubError('ERR_TLS', `tls.${name}: cannot read ${path}: ${textOf(thrown)}`, { cause: thrown });
  }
}

function parseKey(path: string, pem: Buffer, passphrase: string | undefined): KeyObject {
  try {
    // Without one, an encrypted key has to fail here and not to ask on the terminal.
    return createPrivateKey({ key: pem, passphrase: passphrase ?? '' });
  } catch (thrown) {
    const why = `not a private key in PEM format, or tls.passphrase is wrong (${textOf(thrown)})`;
    throw new HubError('ERR_TLS', `tls.key: ${path} is ${why}`, { cause: thrown });
  }
}

function parseCertificate(name: string, path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    const why = `not a certificate in PEM format (${textOf(thrown)})`;
    throw new HubError('ERR_TLS', `tls.${name}: ${path} is ${why}`, { cause: thrown });
  }
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
