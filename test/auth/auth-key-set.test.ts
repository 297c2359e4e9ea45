/** `shardhub/auth`: key sets at an address, keys in a set that cannot be used, and what the log has of both. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { type JwtUpgradeOptions, jwtUpgrade } from 'shardhub/auth';
import { describe, expect, test } from 'vitest';
import { tryHandshake } from '../support/clients/raw-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { counted } from '../support/counters.js';
import { freePort } from '../support/processes/ports.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { Signer, seconds } from '../support/protocol/tokens.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { KeySetServer } from '../support/servers/key-set-server.js';
import { until } from '../support/until.js';

const [old, next, weak] = [new Signer(), new Signer(), new Signer(1024)];

async function start(jwks: string | URL, options: Partial<JwtUpgradeOptions> = {}) {
  const upgrade = jwtUpgrade({ jwks, algorithms: ['RS256'], ...options } as JwtUpgradeOptions);
  const { hub, log } = await startHub({
    workers: 0,
    handler: fixture('handshake.mjs'),
    upgrade,
    upgradeTimeoutMs: 60_000,
  });
  const attempt = (token: string) =>
    tryHandshake(hub.port, { headers: { authorization: `Bearer ${token}` } });
  const statusOf = async (token: string) => (await attempt(token)).status;
  return { hub, log: () => inspect(log, { depth: 4 }), attempt, statusOf };
}

function setFile(...keys: object[]): string {
  const path = join(temporaryFolder(), 'jwks.json');
  writeFileSync(path, JSON.stringify({ keys }));
  return path;
}

describe('a key set at an address', () => {
  test('is asked for once, with the first token', async () => {
    const server = await KeySetServer.start(old.jwk({ kid: 'a' }));
    const { statusOf } = await start(server.url);
    expect(server.requests).toBe(0);
    const statuses = await Promise.all(Array.from({ length: 5 }, () => statusOf(old.token({ kid: 'a' }))));
    expect(statuses).toEqual([101, 101, 101, 101, 101]);
    expect(await statusOf(next.token({ kid: 'a' }))).toBe(401);
    // A token of an unknown key does not make it ask again so soon.
    expect(await statusOf(next.token({ kid: 'b' }))).toBe(401);
    expect(server.requests).toBe(1);
  });

  test('is asked for again when a token names a key that is new', async () => {
    const server = await KeySetServer.start(old.jwk({ kid: 'a' }));
    const { statusOf } = await start(new URL(server.url), { jwksCooldownSeconds: 0.001 });
    expect(await statusOf(old.token({ kid: 'a' }))).toBe(101);
    server.serve(next.jwk({ kid: 'b' }));
    expect(await statusOf(next.token({ kid: 'b' }))).toBe(101);
    expect(await statusOf(old.token({ kid: 'a' }))).toBe(401);
  });

  test('is asked for again ahead of its end, and no handshake waits for that', async () => {
    const server = await KeySetServer.start(old.jwk({ kid: 'a' }));
    const { statusOf } = await start(server.url, { jwksCacheSeconds: 3600 });
    expect(await statusOf(old.token({ kid: 'a' }))).toBe(101);
    const { statusOf: shortly } = await start(server.url, { jwksCacheSeconds: 0.2 });
    await until(
      'a second question',
      async () => (await shortly(old.token({ kid: 'a' }))) && server.requests > 3,
    );
    expect(await statusOf(old.token({ kid: 'a' }))).toBe(101);
  });

  test.each<[string, (server: KeySetServer) => void, RegExp]>([
    ['is slow', (server) => server.answer(() => {}), /did not answer in time/],
    [
      'does not end',
      (server) => server.answer((_, response) => response.write('{')),
      /did not answer in time/,
    ],
    ['fails', (server) => server.answer((_, response) => response.writeHead(500).end()), /it answered 500/],
    [
      'leads elsewhere',
      (server) =>
        server.answer((_, response) => response.writeHead(302, { location: 'http://example.invalid' }).end()),
      /it answered 302/,
    ],
    ['talks nonsense', (server) => server.answer((_, response) => response.end('<html>')), /not valid JSON/],
    ['has no set', (server) => server.answer((_, response) => response.end('[]')), /not a JSON Web Key Set/],
    ['has a set with no keys in it', (server) => server.answer((_, r) => r.end('{"keys":[7]}')), /no list/],
    [
      'is long',
      (server) =>
        server.answer((_, response) => response.end(JSON.stringify({ keys: [], x: 'x'.repeat(2 ** 21) }))),
      /longer than 1048576 bytes/,
    ],
  ])('that %s is a 503 within its time, and a line in the log', async (_, behave, reason) => {
    const server = await KeySetServer.start();
    behave(server);
    // Who answers is waited for on a machine of any speed.
    const jwksTimeoutSeconds = reason.source.includes('in time') ? 0.2 : 60;
    const { hub, log, attempt } = await start(server.url, { jwksTimeoutSeconds });
    const startedAt = performance.now();
    const answer = await attempt(old.token({ kid: 'a' }));
    expect(answer).toMatchObject({ status: 503, body: 'Tokens cannot be checked now: try again.\n' });
    expect(answer.headers['retry-after']).toBe('1');
    expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-error': 1 });
    expect(log()).toMatch(reason);
    expect(log()).toContain(server.url);
    // Whoever sends tokens cannot make it ask more than once in a second.
    await attempt(old.token({ kid: 'a' }));
    expect(server.requests).toBeLessThanOrEqual(1 + Math.floor((performance.now() - startedAt) / 1000));
  });

  test('that failed is asked again', async () => {
    const server = await KeySetServer.start();
    server.answer((_, response) => response.writeHead(500).end());
    const { statusOf } = await start(server.url);
    expect(await statusOf(old.token())).toBe(503);
    server.serve(old.jwk());
    await until('it to be asked again', async () => (await statusOf(old.token())) === 101);
  });

  test('where nobody listens is a 503; what is no token is a 401 without asking', async () => {
    const { attempt, log } = await start(`http://127.0.0.1:${await freePort()}/`);
    expect((await attempt('x.y.z')).status).toBe(401);
    expect((await attempt(old.token())).status).toBe(503);
    expect(log()).toMatch(/no key set from http:\/\/127\.0\.0\.1:\d+\/: .*ECONNREFUSED/);
  });

  test('that goes down leaves the keys that are known', async () => {
    const server = await KeySetServer.start(old.jwk({ kid: 'a' }));
    const { statusOf } = await start(server.url, { jwksCooldownSeconds: 0.001 });
    expect(await statusOf(old.token({ kid: 'a' }))).toBe(101);
    server.answer((_, response) => response.destroy());
    expect(await statusOf(next.token({ kid: 'b' }))).toBe(503);
    expect(await statusOf(old.token({ kid: 'a' }))).toBe(101);
  });

  test.each([
    'http://id.example/jwks.json',
    'ftp://id.example/jwks.json',
    'https://ann:secret@id.example/',
    'https://',
    new URL('http://id.example/'),
    'http://127.0.0.1.example/',
  ])('%s is refused', (jwks) => {
    expect(() => jwtUpgrade({ jwks, algorithms: ['RS256'] })).toThrow(/https: address without a user/);
  });

  test.each(['jwksCacheSeconds', 'jwksCooldownSeconds', 'jwksTimeoutSeconds'])(
    '%s of 0 is refused',
    (name) => {
      const options = { jwks: 'https://id.example/', algorithms: ['RS256'], [name]: 0 } as const;
      expect(() => jwtUpgrade(options as JwtUpgradeOptions)).toThrow(`${name} takes a number of more than 0`);
    },
  );
});

describe('a key that cannot be used', () => {
  test.each<[string, object, string]>([
    ['a short one', weak.jwk({ kid: 'weak' }), 'the key "weak" is RSA of 1024 bits, and at least 2048'],
    ['a secret', { kty: 'oct', k: 'c2VjcmV0' }, 'key 1 is a secret'],
    ['a private key', old.jwk({ d: 'AQAB' }), 'key 1 is a private key'],
    ['half a key', { kty: 'RSA', e: 'AQAB' }, 'key 1 is not usable'],
  ])('first in a set, such as %s, costs itself alone, and the log says so', async (_, key, said) => {
    const server = await KeySetServer.start(key, old.jwk(), { kty: 'of tomorrow' });
    for (const jwks of [setFile(key, old.jwk(), { kty: 'of tomorrow' }), server.url]) {
      const { statusOf, log } = await start(jwks);
      expect(await statusOf(old.token())).toBe(101);
      expect(await statusOf(weak.token())).toBe(401);
      expect(await statusOf(weak.token({ kid: 'weak' }))).toBe(401);
      expect(log()).toContain(said);
    }
  });

  test('a file without any other is refused at once', () => {
    const make = () => jwtUpgrade({ jwks: setFile(weak.jwk()), algorithms: ['RS256'] });
    expect(make).toThrow(/no key that can be used: key 1 is RSA of 1024 bits/);
  });

  test('a file may be given as a URL', async () => {
    const { statusOf } = await start(pathToFileURL(setFile(old.jwk())));
    expect(await statusOf(old.token())).toBe(101);
  });
});

describe('the claim sub', () => {
  const tokenOf = (sub: unknown) => old.token({}, { exp: seconds(60), sub });

  test.each([
    [7, '7'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['', ''],
  ])('%s is userId %j', async (sub, userId) => {
    const { hub } = await start(setFile(old.jwk()));
    const client = await WsClient.connect(hub.wsUrl, {
      headers: { authorization: `Bearer ${tokenOf(sub)}` },
    });
    expect(await client.ask('data')).toContain(`userId: '${userId}'`);
    expect([...hub.connections({ userId })]).toHaveLength(1);
  });

  test.each([7.5, 2 ** 53, true, null, ['ann'], {}])('%j is refused, and the log says why', async (sub) => {
    const { statusOf, log } = await start(setFile(old.jwk()));
    expect(await statusOf(tokenOf(sub))).toBe(401);
    expect(log()).toContain('claim sub is neither a string nor a whole number');
  });
});
