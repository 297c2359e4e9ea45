/** The option `tls` as node:tls takes it, and what a client's certificate says. */
import type { Socket } from 'node:net';
import { TLSSocket, type TlsOptions } from 'node:tls';
import { HubError } from '../../../api/errors.js';
import type { ClientCertificate } from '../../../api/handshake-request.js';
import { readTlsFiles, SAFE_CIPHERS, type TlsFiles } from '../tls.js';

/** Without one by name there would be no TLS 1.3. */
const TLS_1_3 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
const HANDSHAKE_MS = 10_000;

/** @throws HubError `ERR_TLS` that names the file and what is wrong with it */
export async function loadTls(files: TlsFiles): Promise<TlsOptions> {
  const { passphrase, ciphers = SAFE_CIPHERS, clientCert = 'require' } = files;
  const { key, cert, clientCa } = await readTlsFiles(files);
  return {
    key,
    cert,
    ...(passphrase === undefined ? {} : { passphrase }),
    ciphers: `${TLS_1_3}:${ciphers}`,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    ...(clientCa === undefined
      ? {}
      : { ca: clientCa, requestCert: true, rejectUnauthorized: clientCert === 'require' }),
  };
}

/** Runs what takes the files. @throws HubError `ERR_TLS` */
export function withTls<T>({ key, cert, ciphers = SAFE_CIPHERS }: TlsFiles, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const text = `tls: the engine does not take the key ${key}, the certificate ${cert} and the ciphers ${ciphers}`;
    throw new HubError('ERR_TLS', text, { cause });
  }
}

/** Of the other end, if it has one that has been verified. */
export function certificateOf(socket: Socket): ClientCertificate | undefined {
  const certificate =
    socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return undefined;
  const { subject, subjectAltName = '', issuer, serialNumber, fingerprint256 } = certificate;
  return { subject, subjectAltName, issuer, serialNumber, fingerprint256 };
}
