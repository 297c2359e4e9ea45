/** `shardhub/auth`: a public key is never taken for a secret, however it was written down. */
import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { jwtUpgrade } from 'shardhub/auth';
import { describe, expect, test } from 'vitest';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const pem = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
const spki = rsa.publicKey.export({ type: 'spki', format: 'der' });
const jwk = ec.publicKey.export({ format: 'jwk' });
/** Of the keys above none: made once with openssl, for its form. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBbjCCARWgAwIBAgIUdj5WVnJKjJcpuWoQQJK0FdhG0ecwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMjgwNTU5MjdaGA8yMTI2MTEwNDA1NTkyN1ow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMo27KPjlgPU
VWrJWNFBdYk8FDCxYiiBc7cgZvPI75Cmma1xQf9Kt1a6gsSR7ywIp2zNC2O8wzZj
7t118IuprdajUzBRMB0GA1UdDgQWBBQxTvEP1uJ1R+cQmh+FQ6/UT1Z29zAfBgNV
HSMEGDAWgBQxTvEP1uJ1R+cQmh+FQ6/UT1Z29zAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0cAMEQCIDN0BkcXJJMaqTOTkkR7Mt837v3ewFrZ20v/t696wh7Y
AiBdjVAZn5eRHHK/j/hAjWRKpw98nYNIxKc7Q43C65MaaA==
-----END CERTIFICATE-----
`;

const sshBlob = (...parts: (string | Buffer)[]) =>
  Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(part));
      return [length, Buffer.from(part as string)];
    }),
  );
const sshEd = sshBlob(
  'ssh-ed25519',
  Buffer.from(ed.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
);
const sshRsa = sshBlob('ssh-rsa', Buffer.from([1, 0, 1]), randomBytes(257));
const utf16 = Buffer.from(pem, 'utf16le');

const FORMS: Record<string, string | Buffer> = {
  'SPKI, DER': spki,
  'SPKI of an elliptic key, DER': ec.publicKey.export({ type: 'spki', format: 'der' }),
  'SPKI of Ed25519, DER': ed.publicKey.export({ type: 'spki', format: 'der' }),
  'PKCS #1, DER': rsa.publicKey.export({ type: 'pkcs1', format: 'der' }),
  'a private key, PKCS #8, DER': ed.privateKey.export({ type: 'pkcs8', format: 'der' }),
  'a private key, PKCS #1, DER': rsa.privateKey.export({ type: 'pkcs1', format: 'der' }),
  'a private key, SEC 1, DER': ec.privateKey.export({ type: 'sec1', format: 'der' }),
  'a certificate, DER': Buffer.from(CERTIFICATE.replaceAll(/-.*-/g, ''), 'base64'),
  'a certificate, PEM': CERTIFICATE,
  'DER and a line break': Buffer.concat([Buffer.from('\n'), spki, Buffer.from('\n')]),
  'DER, read as Latin-1': spki.toString('latin1'),
  'DER, read as UTF-8': spki.toString('utf8'),
  PEM: pem,
  'PEM behind other text': `Subject: someone\n${pem}`,
  'PEM behind a name on its line': `PUBLIC_KEY=${pem}`,
  'PEM with escaped line breaks': pem.replaceAll('\n', '\\n'),
  'PEM behind a byte order mark': `\ufeff${pem}`,
  'PEM in UTF-16': utf16,
  'PEM in UTF-16, big-endian, with a mark': Buffer.from(Buffer.from(`\ufeff${pem}`, 'utf16le')).swap16(),
  'PEM in UTF-16, read as Latin-1': utf16.toString('latin1'),
  'PGP’s PEM': '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBF8AAAABCAC7\n-----END PGP PUBLIC KEY BLOCK-----',
  'a JWK as JSON': JSON.stringify({ ...jwk, kid: 'a' }),
  'a JWK as JSON, indented, behind a mark': `\ufeff${JSON.stringify(jwk, null, 2)}`,
  'a JWK set as JSON': JSON.stringify({ keys: [jwk] }),
  'a line of ssh-ed25519': `ssh-ed25519 ${sshEd.toString('base64')} ann@example`,
  'a line of ssh-rsa': `ssh-rsa ${sshRsa.toString('base64')} ann@example`,
  'a line of ssh-rsa with options': `no-pty ssh-rsa ${sshRsa.toString('base64')}`,
  'a line of ecdsa-sha2-nistp256': `ecdsa-sha2-nistp256 ${sshBlob('ecdsa-sha2-nistp256', 'nistp256').toString('base64')}`,
  'SSH’s base64 without its name': sshRsa.toString('base64'),
  'SSH’s bytes': sshEd,
  'SSH’s own PEM': `---- BEGIN SSH2 PUBLIC KEY ----\n${sshRsa.toString('base64')}\n---- END SSH2 PUBLIC KEY ----`,
  'base64 of DER': spki.toString('base64'),
  'base64url of DER': spki.toString('base64url'),
  'base64 of DER in lines': spki.toString('base64').replaceAll(/.{64}/g, '$&\r\n'),
  'base64 of PEM': Buffer.from(pem).toString('base64'),
  'base64 of base64 of DER': Buffer.from(spki.toString('base64')).toString('base64'),
  'hexadecimal DER': spki.toString('hex'),
  'hexadecimal DER with colons': spki.toString('hex').replaceAll(/..(?=.)/g, '$&:'),
  'base64 of a JWK': Buffer.from(JSON.stringify(jwk)).toString('base64'),
  'DER behind a byte order mark': Buffer.concat([Buffer.from('\ufeff'), spki]),
  'base64 of DER behind a byte order mark': `\ufeff${spki.toString('base64')}`,
  'base64 of DER behind a name': `PUBLIC_KEY=${spki.toString('base64')}`,
  'base64 of DER in quotes': `"${spki.toString('base64')}"`,
  'hexadecimal DER behind a name': `public key: ${spki.toString('hex')}`,
  'PEM in small letters': pem.toLowerCase(),
  'PEM of a URL': encodeURIComponent(pem),
  'PEM without its begin': pem.slice(pem.indexOf('\n')),
  'a JWK as JSON in JSON': JSON.stringify(JSON.stringify(jwk)),
  'a JWK in single quotes': JSON.stringify(jwk).replaceAll('"', "'"),
  'a line of ssh-rsa behind a byte order mark': `\ufeffssh-rsa ${sshRsa.toString('base64')}`,
  'SSH’s base64 behind a name': `key=${sshRsa.toString('base64')}`,
  'a file of PuTTY': 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n',
};

const make = (key: unknown, algorithm = 'HS256') =>
  jwtUpgrade({ key: key as string, algorithms: [algorithm as 'HS256'] });

describe.each(Object.entries(FORMS))('%s is no secret', (_, form) => {
  const refusal = expect.objectContaining({
    code: 'ERR_OPTION',
    message: expect.stringMatching(
      /public key|key of SSH|JSON Web Key|PEM text but no key|in (base64|hex)|the bytes/,
    ),
  });
  const bytes = Buffer.from(form as string);

  test.each<[string, unknown]>([
    ['as it is', form],
    ['as bytes', new Uint8Array(bytes)],
    ['as a secret KeyObject', createSecretKey(bytes)],
  ])('%s', (_, key) => {
    // Bytes that were read as a text are no key when they are bytes of that text again.
    if (typeof form === 'string' && form.includes('\ufffd') && key !== form) return;
    if (form === FORMS['DER, read as Latin-1'] && key !== form) return;
    expect(() => make(key)).toThrow(refusal);
  });
});

test.each<[string, string | Buffer]>([
  ['text', 'a secret of thirty-two bytes or more'],
  ['bytes', randomBytes(64)],
  ['base64 of bytes', randomBytes(48).toString('base64')],
  ['hexadecimal bytes', randomBytes(32).toString('hex')],
  ['bytes that begin as DER does', Buffer.concat([Buffer.from([0x30, 0x82, 0x01, 0x22]), randomBytes(60)])],
  ['text in other letters', 'ein Geheimnis: größer als zweiunddreißig Bytes'],
])('a secret is one all the same: %s', (_, secret) => {
  expect(() => make(secret)).not.toThrow();
  expect(() => make(createSecretKey(Buffer.from(secret as string)))).not.toThrow();
});

test('PEM and DER are taken for the key that they are', () => {
  for (const form of ['PEM', 'SPKI, DER', 'PKCS #1, DER', 'PEM in UTF-16', 'PEM behind a byte order mark'])
    expect(() => make(FORMS[form], 'RS256'), form).not.toThrow();
});
