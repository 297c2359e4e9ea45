/** Certificates of clients in engine `node`: who gets in, and what is told of them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createHub } from 'shardhub';
import { expect, onTestFinished, test } from 'vitest';
import { decodeHandshake, encodeHandshake } from '../../../../src/wire/request.js';
import { handshakeRequest } from '../../../support/clients/raw-client.js';
import { temporaryFolder } from '../../../support/processes/temporary-folder.js';
import { serveNode } from '../../../support/servers/node-engine.js';
import { until } from '../../../support/until.js';

const file = (name: string) => fileURLToPath(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url));
const pem = (name: string) => readFileSync(file(name));
const tls = { key: file('key'), cert: file('cert'), clientCa: file('client-ca') };

const alice = { key: pem('client-key'), cert: pem('client-cert') };
/** Signed by itself. */
const stranger = { key: pem('rsa-key'), cert: pem('rsa-cert') };
const ALICE = {
  subject: 'O=Example\nCN=alice',
  subjectAltName: 'URI:spiffe://example/alice',
  issuer: 'O=Example\nCN=shardhub test authority',
  serialNumber: expect.stringMatching(/^[0-9A-F]+$/),
  fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
};

/** Sends bytes as this client, and waits for the end of its connection. */
async function ask(port: number, client: object, bytes: string): Promise<string> {
  let text = '';
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...client });
  onTestFinished(() => void socket.destroy());
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('error', () => {}).write(bytes);
  await until('the end', () => socket.closed);
  return text;
}
const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('one is required: who has none, or another authority’s, gets no answer', async () => {
  const { port, requests, handshakes } = await serveNode({ tls });
  for (const client of [{}, stranger]) expect(await ask(port, client, GET)).toBe('');
  expect(requests).toEqual([]);
  expect(await ask(port, alice, GET)).toMatch(/^HTTP\/1\.1 200/);
  expect(await ask(port, alice, handshakeRequest(port))).toMatch(/^HTTP\/1\.1 418/);
  expect([requests[0]!.clientCertificate, handshakes[0]!.request.clientCertificate]).toEqual([ALICE, ALICE]);
});

test('one is asked for: everybody gets in, and only one that is valid is told', async () => {
  const { port, requests } = await serveNode({ tls: { ...tls, clientCert: 'request' } });
  for (const client of [{}, stranger, alice]) expect(await ask(port, client, GET)).toMatch(/^HTTP\/1\.1 200/);
  expect(requests.map(({ clientCertificate }) => clientCertificate)).toEqual([undefined, undefined, ALICE]);
});

test('what is told of it reaches the worker', () => {
  const request = { url: '/', path: '/', query: '', headers: {}, remoteAddress: '::1', subprotocols: [] };
  const clientCertificate = { ...ALICE, subject: 'CN=ł', serialNumber: '1', fingerprint256: 'AB' };
  const encoded = encodeHandshake({ ...request, clientCertificate }, undefined, 0);
  expect(decodeHandshake(encoded).request).toEqual({ ...request, clientCertificate });
});

test('a reload takes other authorities; connections that are open stay', async () => {
  const clientCa = join(temporaryFolder(), 'ca.pem');
  writeFileSync(clientCa, pem('client-ca'));
  const { port, server, requests } = await serveNode({ tls: { ...tls, clientCa } });
  const open = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...alice });
  onTestFinished(() => void open.destroy());
  open.write('GET /before HTTP/1.1\r\nHost: a\r\n\r\n');
  await until('it', () => requests.length === 1);
  writeFileSync(clientCa, pem('rsa-cert'));
  await server.reloadTls();
  expect(await ask(port, alice, GET)).toBe('');
  expect(await ask(port, stranger, GET)).toMatch(/^HTTP\/1\.1 200/);
  open.write('GET /after HTTP/1.1\r\nHost: a\r\n\r\n');
  await until('it', () => requests.some(({ path }) => path === '/after'));
  writeFileSync(clientCa, 'none');
  await expect(server.reloadTls()).rejects.toThrow(/^tls\.clientCa: .* is not a certificate in PEM format/);
  expect(await ask(port, stranger, GET)).toMatch(/^HTTP\/1\.1 200/);
});

test('what is wrong is named', async () => {
  await expect(serveNode({ tls: { ...tls, clientCa: '/no/ca.pem' } })).rejects.toThrow(
    /^tls\.clientCa: cannot read/,
  );
  for (const bad of [{ clientCert: 'require' }, { clientCa: 'x', clientCert: 'maybe' }])
    await expect(createHub({ tls: { key: 'k', cert: 'c', ...bad } as never })).rejects.toThrow(
      /option "tls" got .* clientCa .* and clientCert/,
    );
});
