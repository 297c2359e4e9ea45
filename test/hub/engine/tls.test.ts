/** TLS by the engine: the hub's URLs, files that are not right, and a certificate that is renewed under way. */
import { cpSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createHub, type HubOptions } from 'shardhub';
import { Agent, WebSocket as Undici } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { rawRequest } from '../../support/clients/raw-http.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { engineUnderTest } from '../../support/engines/under-test.mjs';
import { Command } from '../../support/processes/command-line.js';
import { freePort } from '../../support/processes/ports.js';
import { temporaryFolder } from '../../support/processes/temporary-folder.js';
import { startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const file = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
const tls = { key: file('key'), cert: file('cert') };
/** The fixtures are signed by themselves. */
const TRUSTING = { rejectUnauthorized: false };

/** Whose certificate a port shows. */
function certificateName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...TRUSTING }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/** Copies of the files that a test may replace. */
function ownFiles(): { key: string; cert: string; renew(): void; damage(): void } {
  const folder = temporaryFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const copy = (prefix: string) => {
    cpSync(file(`${prefix}key`), key);
    cpSync(file(`${prefix}cert`), cert);
  };
  copy('');
  return { key, cert, renew: () => copy('renewed-'), damage: () => writeFileSync(cert, 'no certificate') };
}

describe('a hub with TLS', () => {
  test('serves wss and https under its URLs, and nothing in clear text', async () => {
    const { hub } = await startHub({ tls });
    expect(hub.wsUrl).toBe(`wss://127.0.0.1:${hub.port}/ws`);
    expect(hub.url).toBe(`https://127.0.0.1:${hub.port}`);
    const client = await WsClient.connect(hub.wsUrl, TRUSTING);
    expect(await client.ask('secret')).toBe('secret');
    const large = 'x'.repeat(900_000);
    expect(await client.ask(large)).toBe(large);
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${hub.url}/healthz`, TRUSTING, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once('error', reject).end();
    });
    expect(status).toBe(200);
    const clear = await rawRequest(hub.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n').catch(
      () => undefined,
    );
    expect(clear?.status).not.toBe(200);
  });

  test('speaks with a browser’s WebSocket, whose page is of the same origin', async () => {
    const { hub } = await startHub({ tls, workers: 1 });
    const dispatcher = new Agent({ connect: { ca: undefined, ...TRUSTING } });
    onTestFinished(() => dispatcher.destroy());
    const socket = new Undici(hub.wsUrl, { dispatcher, headers: { origin: hub.url } });
    const echo = await new Promise((resolve, reject) => {
      socket.onerror = reject;
      socket.onopen = () => socket.send('hello');
      socket.onmessage = ({ data }) => resolve(data);
    });
    expect(echo).toBe('hello');
    socket.close();
  });

  test('takes the passphrase of an encrypted key', async () => {
    const encrypted = { key: file('encrypted-key'), cert: tls.cert, passphrase: 'secret' };
    const { hub } = await startHub({ tls: encrypted, workers: 0 });
    expect(await certificateName(hub.port)).toBe('localhost');
  });

  test.each<[string, HubOptions['tls'], RegExp]>([
    [
      'a key that is not there',
      { ...tls, key: '/no/key.pem' },
      /^tls\.key: cannot read \/no\/key\.pem: ENOENT/,
    ],
    [
      'a certificate that is not there',
      { ...tls, cert: '/no/c.pem' },
      /^tls\.cert: cannot read \/no\/c\.pem/,
    ],
    ['a key that is none', { ...tls, key: tls.cert }, /^tls\.key: .*cert\.pem is not a private key/],
    ['a certificate that is none', { ...tls, cert: tls.key }, /^tls\.cert: .*key\.pem is not a certificate/],
    [
      'a key of another certificate',
      { ...tls, key: file('renewed-key') },
      /renewed-key\.pem does not belong to/,
    ],
    ['no passphrase', { ...tls, key: file('encrypted-key') }, /passphrase is wrong/],
    ['a wrong passphrase', { ...tls, key: file('encrypted-key'), passphrase: 'x' }, /passphrase is wrong/],
  ])('%s: does not start, and says why', async (_, files, message) => {
    const port = await freePort();
    await expect(
      createHub({ ...engineUnderTest, tls: files, port, logLevel: 'silent' }),
    ).rejects.toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringMatching(message),
    });
    // Nothing is left that listens.
    const { hub } = await startHub({ port, workers: 0 });
    expect(hub.port).toBe(port);
  });

  test.each([{ key: tls.key }, { cert: tls.cert }, {}, { ...tls, ca: tls.cert }, tls.key])(
    'the option takes key and cert, not %j',
    async (files) => {
      await expect(createHub({ tls: files as never })).rejects.toThrow(
        /option "tls" got .* takes key and cert/,
      );
    },
  );
});

describe('suites of TLS 1.2', () => {
  /** With a key that all of them can use. */
  const tls = { key: file('rsa-key'), cert: file('rsa-cert') };
  /** The suite that a handshake with this one alone comes to. */
  const suite = (port: number, options: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, ...TRUSTING, ...options }, () => {
        resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
        socket.destroy();
      });
      socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
    });
  const only = (ciphers: string): ConnectionOptions => ({ ciphers, maxVersion: 'TLSv1.2' });
  const good = ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305'];
  const bad = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA'];

  test('are those with forward secrecy and authenticated encryption', async () => {
    const { hub } = await startHub({ tls, workers: 0 });
    for (const name of good) expect(await suite(hub.port, only(name))).toBe(`TLSv1.2 ${name}`);
    for (const name of bad)
      expect(await suite(hub.port, only(name)), name).toMatch(/^(ERR_SSL|EPROTO|ECONNRESET)/);
    expect(await suite(hub.port, {})).toMatch(/^TLSv1\.3 TLS_/);
    expect(await suite(hub.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).toMatch(
      /^(ERR_SSL|EPROTO)/,
    );
  });

  test('may be others, which leaves TLS 1.3 as it is', async () => {
    const { hub } = await startHub({
      tls: { ...tls, ciphers: 'AES128-SHA:ECDHE-RSA-AES128-SHA' },
      workers: 0,
    });
    expect(await suite(hub.port, only('AES128-SHA'))).toBe('TLSv1.2 AES128-SHA');
    expect(await suite(hub.port, only(good[0]!))).toMatch(/^(ERR_SSL|EPROTO)/);
    expect(await suite(hub.port, {})).toMatch(/^TLSv1\.3 TLS_/);
  });

  test('that there are not are refused', async () => {
    await expect(
      createHub({ ...engineUnderTest, tls: { ...tls, ciphers: 'NO-SUCH' }, port: 0, workers: 0 }),
    ).rejects.toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringContaining('the ciphers NO-SUCH'),
    });
    await expect(createHub({ tls: { ...tls, ciphers: 'a b' } })).rejects.toThrow(
      /option "tls" got .* and ciphers/,
    );
  });
});

test('an error about the option does not tell the passphrase', async () => {
  const tls = { key: 'k.pem', passphrase: 'hunter2' } as never;
  const error: Error = await createHub({ tls }).catch((thrown) => thrown);
  expect(error.message).toMatch(/option "tls" got \{"key":"k.pem"/);
  expect(error.message).not.toContain('hunter2');
});

describe('a renewed certificate', () => {
  test.each([
    { sharePort: false, isFixed: true },
    { sharePort: true, isFixed: true },
    { sharePort: false, isFixed: false },
    { sharePort: true, isFixed: false },
  ])('is shown to new connections; open ones live on (%j)', async ({ sharePort, isFixed }) => {
    const files = ownFiles();
    const { key, cert } = files;
    const port = isFixed ? await freePort() : 0;
    const { hub } = await startHub({ tls: { key, cert }, port, sharePort });
    const before = await WsClient.connect(hub.wsUrl, TRUSTING);
    expect(await certificateName(hub.port)).toBe('localhost');
    files.renew();
    await hub.reloadTls();
    expect(await certificateName(hub.port)).toBe('renewed');
    const after = await WsClient.connect(hub.wsUrl, TRUSTING);
    expect(await Promise.all([before.ask('old'), after.ask('new')])).toEqual(['old', 'new']);
    expect(hub.stats().connections.open).toBe(2);
    await Promise.all([hub.reloadTls(), hub.reloadTls()]);
    expect(await certificateName(hub.port)).toBe('renewed');
    await hub.close();
    expect((await before.closed).code).toBe(1001);
    expect((await after.closed).code).toBe(1001);
    await expect(certificateName(hub.port)).rejects.toThrow(/ECONNREFUSED/);
  });

  test('that is not right changes nothing', async () => {
    const files = ownFiles();
    const { hub } = await startHub({ tls: { key: files.key, cert: files.cert }, port: await freePort() });
    files.damage();
    await expect(hub.reloadTls()).rejects.toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringContaining('is not a certificate'),
    });
    expect(await certificateName(hub.port)).toBe('localhost');
  });

  test('cannot be had without TLS, or once the hub has closed', async () => {
    const plain = await startHub({ workers: 0 });
    await expect(plain.hub.reloadTls()).rejects.toThrow(/tls is not set/);
    const { hub } = await startHub({ workers: 0, tls });
    await hub.close();
    await expect(hub.reloadTls()).rejects.toMatchObject({ code: 'ERR_HUB_STATE' });
  });

  test('does not make a hub listen again that closes meanwhile', async () => {
    const { hub } = await startHub({ workers: 0, tls, port: await freePort() });
    const reloaded = hub.reloadTls().catch(({ code }) => code);
    await hub.close();
    expect(await reloaded).toBe('ERR_HUB_STATE');
    await expect(certificateName(hub.port)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('the command line', () => {
  test('serves with --tls-key and --tls-cert, and reads them again on SIGHUP', async () => {
    const files = ownFiles();
    const port = await freePort();
    const command = new Command(['serve', `--port=${port}`, '--tls-key', files.key], {
      env: { SHARDHUB_TLS_CERT: files.cert },
    });
    const { wsUrl } = await command.started();
    expect(wsUrl).toBe(`wss://127.0.0.1:${port}/ws`);
    const client = await WsClient.connect(wsUrl, TRUSTING);
    files.damage();
    command.kill('SIGHUP');
    await until('a complaint', () => command.stderr.includes('is not a certificate'));
    expect(await certificateName(port)).toBe('localhost');
    expect(await client.ask('still here')).toBe('still here');
    files.renew();
    command.kill('SIGHUP');
    // A connection that waits to be accepted while the listener changes is reset.
    const nameNow = () => certificateName(port).catch(() => undefined);
    await until('the new certificate', async () => (await nameNow()) === 'renewed');
    expect(await client.ask('still here')).toBe('still here');
    command.kill('SIGTERM');
    const { code, stderr } = await command.exited;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^shardhub: tls\.cert: [^\n]* is not a certificate[^\n]*\n$/);
  });

  test('one flag without the other is wrong usage', async () => {
    const command = new Command(['serve', '--port=0', '--tls-key', tls.key]);
    const { code, stderr } = await command.exited;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^shardhub: --tls-key needs --tls-cert/);
  });
});
