/** `shardhub/auth`: who gets in with which token, on real handshakes; tokens are signed with another library's keys. */
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HubOptions } from 'shardhub';
import { type JwtUpgradeOptions, jwtUpgrade } from 'shardhub/auth';
import { WebSocket as Undici } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tryHandshake } from '../support/clients/raw-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { counted } from '../support/counters.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { base64, makeToken, seconds } from '../support/protocol/tokens.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const SECRET = 'a secret of thirty-two bytes or more';
const CLAIMS = { sub: 'ann', exp: seconds(3600) };
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pemOf = ({ publicKey }: { publicKey: KeyObject }) =>
  String(publicKey.export({ type: 'spki', format: 'pem' }));

const hmac = (secret: string | Buffer) => (input: string) =>
  createHmac('sha256', secret).update(input).digest();
const hs = (claims: object = CLAIMS, secret: string | Buffer = SECRET, header: object = {}) =>
  makeToken({ alg: 'HS256', ...header }, claims, hmac(secret));
const rs = (claims: object = CLAIMS, header: object = {}) =>
  makeToken({ alg: 'RS256', ...header }, claims, (input) =>
    signBytes('sha256', Buffer.from(input), rsa.privateKey),
  );
const es = (claims: object = CLAIMS, header: object = {}) =>
  makeToken({ alg: 'ES256', ...header }, claims, (input) =>
    signBytes('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
  );

const start = (options: Partial<JwtUpgradeOptions>, hub: HubOptions = {}) =>
  startHub({
    workers: 0,
    handler: fixture('handshake.mjs'),
    upgrade: jwtUpgrade({ algorithms: ['HS256'], ...(options.jwks ? {} : { key: SECRET }), ...options }),
    ...hub,
  });

const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } });

describe('a valid token lets in', () => {
  const data = `{ claims: { exp: ${CLAIMS.exp}, sub: 'ann' }, userId: 'ann' }`;

  test.each<[string, Partial<JwtUpgradeOptions>, string]>([
    ['signed with a secret', {}, hs()],
    ['a secret as bytes', { key: Buffer.from(SECRET) }, hs()],
    ['an RSA key as PEM', { key: pemOf(rsa), algorithms: ['RS256'] }, rs()],
    ['an RSA key as an object', { key: rsa.publicKey, algorithms: ['RS256', 'PS256'] }, rs()],
    ['a private key, of which the public one is taken', { key: rsa.privateKey, algorithms: ['RS256'] }, rs()],
    ['an elliptic key', { key: pemOf(ec), algorithms: ['ES256'] }, es()],
  ])('%s', async (_, options, text) => {
    const { hub } = await start(options);
    expect(await (await WsClient.connect(hub.wsUrl, bearer(text))).ask('data')).toBe(data);
  });

  test('in a real worker too', async () => {
    const { hub } = await start({}, { workers: 1 });
    expect(await (await WsClient.connect(hub.wsUrl, bearer(hs()))).ask('data')).toBe(data);
  });

  test('carried by a browser as a subprotocol, which is never the chosen one', async () => {
    const { hub } = await start({}, { subprotocols: ['chat'] });
    const socket = new Undici(hub.wsUrl, [`shardhub.bearer.${hs()}`, 'chat']);
    onTestFinished(() => socket.close());
    const answer = await new Promise((resolve, reject) => {
      socket.onerror = reject;
      socket.onopen = () => socket.send('data');
      socket.onmessage = (event) => resolve(event.data);
    });
    expect(answer).toBe(data);
    expect(socket.protocol).toBe('chat');
  });

  test('and is not echoed when nothing else is offered', async () => {
    const { hub } = await start({});
    const headers = { 'sec-websocket-protocol': `shardhub.bearer.${hs()}` };
    const response = await tryHandshake(hub.port, { headers });
    expect(response.status).toBe(101);
    expect(JSON.stringify(response)).not.toContain('bearer');
  });

  test.each(['session=$', 'a=b; session=$; c=d', 'xsession=no; session="$"'])(
    'as the cookie %s',
    async (cookie) => {
      const { hub } = await start({ cookie: 'session' });
      const headers = { cookie: cookie.replace('$', hs()) };
      expect((await tryHandshake(hub.port, { headers })).status).toBe(101);
    },
  );

  test('in the query, when that was asked for', async () => {
    const { hub } = await start({ from: ['query'] });
    expect((await tryHandshake(hub.port, { path: `/ws?access_token=${hs()}` })).status).toBe(101);
  });

  test.each<[string, Partial<JwtUpgradeOptions>, object]>([
    ['its issuer', { issuer: 'me' }, { iss: 'me' }],
    ['one of its issuers', { issuer: ['me', 'you'] }, { iss: 'you' }],
    ['its audience', { audience: 'hub' }, { aud: ['site', 'hub'] }],
    ['clocks that differ', { clockToleranceSeconds: 600 }, { exp: seconds(-300) }],
    ['no end, where none is required', { requiredClaims: [] }, { exp: undefined }],
  ])('with %s', async (_, options, claims) => {
    const { hub } = await start(options);
    expect((await tryHandshake(hub.port, bearer(hs({ ...CLAIMS, ...claims })))).status).toBe(101);
  });
});

describe('a refusal is a 401 that gives nothing away', () => {
  const input = hs();
  const [head, body, signature] = input.split('.') as [string, string, string];
  const none = (alg: string) => `${base64({ alg })}.${body}.`;

  test.each<[string, Partial<JwtUpgradeOptions>, string]>([
    ['no token at all', {}, ''],
    ['another scheme', {}, `Basic ${input}`],
    ['noise', {}, 'Bearer x.y.z'],
    ['half a token', {}, `Bearer ${head}.${body}`],
    ['a changed claim', {}, `Bearer ${head}.${base64({ ...CLAIMS, sub: 'eve' })}.${signature}`],
    ['another secret', {}, `Bearer ${hs(CLAIMS, 'another secret of thirty-two bytes')}`],
    ['alg: none', {}, `Bearer ${none('none')}`],
    ['alg: None', {}, `Bearer ${none('None')}`],
    ['alg: none with a signature', {}, `Bearer ${base64({ alg: 'none' })}.${body}.${signature}`],
    [
      'algorithm confusion: a public key as the secret',
      { key: pemOf(rsa), algorithms: ['RS256'] },
      `Bearer ${hs(CLAIMS, pemOf(rsa))}`,
    ],
    [
      'the same with the key’s bytes',
      { key: rsa.publicKey, algorithms: ['RS256'] },
      `Bearer ${hs(CLAIMS, rsa.publicKey.export({ type: 'spki', format: 'der' }) as Buffer)}`,
    ],
    ['an algorithm that is not accepted', { key: rsa.publicKey, algorithms: ['PS256'] }, `Bearer ${rs()}`],
    ['a header that demands more', {}, `Bearer ${hs(CLAIMS, SECRET, { crit: ['x'], x: 1 })}`],
    ['expired', {}, `Bearer ${hs({ ...CLAIMS, exp: seconds(-60) })}`],
    ['not yet valid', {}, `Bearer ${hs({ ...CLAIMS, nbf: seconds(3600) })}`],
    ['no end', {}, `Bearer ${hs({ sub: 'ann' })}`],
    ['no issuer', { issuer: 'me' }, `Bearer ${hs()}`],
    ['another issuer', { issuer: 'me' }, `Bearer ${hs({ ...CLAIMS, iss: 'you' })}`],
    ['another audience', { audience: 'hub' }, `Bearer ${hs({ ...CLAIMS, aud: 'site' })}`],
    ['a claim that is missing', { requiredClaims: ['role'] }, `Bearer ${hs()}`],
  ])('%s', async (_, options, authorization) => {
    const { hub, log } = await start(options);
    const response = await tryHandshake(hub.port, { headers: authorization === '' ? {} : { authorization } });
    expect(response).toMatchObject({ status: 401, body: 'A valid token is required.\n' });
    const hasToken = authorization.startsWith('Bearer ');
    expect(response.headers['www-authenticate']).toBe(hasToken ? 'Bearer error="invalid_token"' : 'Bearer');
    expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-refused': 1 });
    expect(log).toEqual([]);
  });

  test('a token in the query or in a cookie, where it was not asked for', async () => {
    const { hub } = await start({});
    const headers = { cookie: `access_token=${input}; token=${input}` };
    expect((await tryHandshake(hub.port, { path: `/ws?access_token=${input}`, headers })).status).toBe(401);
  });

  test('the first place that has a token counts', async () => {
    const { hub } = await start({});
    const headers = { authorization: 'Bearer bad', 'sec-websocket-protocol': `shardhub.bearer.${input}` };
    expect((await tryHandshake(hub.port, { headers })).status).toBe(401);
  });
});

describe('map', () => {
  test('says what the token comes to, and may refuse', async () => {
    const { hub } = await start({
      map: async ({ sub }, { query }) =>
        query === 'no' ? { reject: 403 } : { data: `user ${sub}` as never },
    });
    expect(await (await WsClient.connect(hub.wsUrl, bearer(hs()))).ask('data')).toBe("'user ann'");
    expect((await tryHandshake(hub.port, { path: '/ws?no', ...bearer(hs()) })).status).toBe(403);
  });

  test('cannot choose the subprotocol that carries the token', async () => {
    const { hub } = await start({ map: (_, { subprotocols }) => ({ subprotocol: subprotocols[0]! }) });
    const headers = { 'sec-websocket-protocol': `shardhub.bearer.${hs()}` };
    const response = await tryHandshake(hub.port, { headers });
    expect(response.status).toBe(500);
    expect(JSON.stringify(response)).not.toContain(hs().split('.')[1]);
  });
});

describe('a key set', () => {
  const jwk = ({ publicKey }: { publicKey: KeyObject }, kid: string) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
  });

  function keySetFile(...keys: object[]): { path: string; write(...keys: object[]): void } {
    const folder = temporaryFolder();
    const path = join(folder, 'jwks.json');
    let age = 1000;
    const write = (...now: object[]) => {
      writeFileSync(path, JSON.stringify({ keys: now }));
      // A time of its own, however coarse the file system's clock is.
      utimesSync(path, seconds(0), seconds(-age--));
    };
    write(...keys);
    return { path, write };
  }

  test('has the key that a token names', async () => {
    const { path } = keySetFile(jwk(rsa, 'r1'), jwk(ec, 'e1'));
    const { hub } = await start({ jwks: path, algorithms: ['RS256', 'ES256'] });
    for (const text of [rs(CLAIMS, { kid: 'r1' }), es(CLAIMS, { kid: 'e1' })])
      expect((await tryHandshake(hub.port, bearer(text))).status).toBe(101);
    for (const text of [
      rs(CLAIMS, { kid: 'r2' }),
      es(CLAIMS, { kid: 'r1' }),
      hs(CLAIMS, pemOf(rsa), { kid: 'r1' }),
    ])
      expect((await tryHandshake(hub.port, bearer(text))).status).toBe(401);
  });

  test('is read again when it has changed: a key that was taken out or replaced is none any more', async () => {
    const { path, write } = keySetFile(jwk(rsa, 'a'), jwk(ec, 'b'));
    const { hub } = await start({ jwks: path, algorithms: ['RS256', 'ES256'] });
    const status = async (text: string) => (await tryHandshake(hub.port, bearer(text))).status;
    expect(await status(rs(CLAIMS, { kid: 'a' }))).toBe(101);
    expect(await status(es(CLAIMS, { kid: 'b' }))).toBe(101);
    write(jwk(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'a'), jwk(ec, 'c'));
    await until('the old key to be none', async () => (await status(rs(CLAIMS, { kid: 'a' }))) === 401);
    expect(await status(es(CLAIMS, { kid: 'b' }))).toBe(401);
    // One that cannot be read leaves the keys that are known.
    writeFileSync(path, '{');
    expect(await status(es(CLAIMS, { kid: 'b' }))).toBe(401);
    expect(await status(es(CLAIMS, { kid: 'c' }))).toBe(101);
  });

  test('is tried key by key for a token that names none', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { path } = keySetFile(jwk(other, 'a'), jwk(rsa, 'b'), jwk(ec, 'c'));
    const { hub } = await start({ jwks: path, algorithms: ['RS256', 'ES256'] });
    expect((await tryHandshake(hub.port, bearer(rs()))).status).toBe(101);
    const { path: without } = keySetFile(
      jwk(other, 'a'),
      jwk(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'b'),
    );
    const { hub: stranger } = await start({ jwks: without, algorithms: ['RS256'] });
    expect((await tryHandshake(stranger.port, bearer(rs()))).status).toBe(401);
  });

  test('is read again when a token names a key that is new', async () => {
    const { path, write } = keySetFile(jwk(rsa, 'r1'));
    const { hub } = await start({ jwks: path, algorithms: ['RS256', 'ES256'] });
    expect((await tryHandshake(hub.port, bearer(rs(CLAIMS, { kid: 'r1' })))).status).toBe(101);
    write(jwk(ec, 'e1'));
    expect((await tryHandshake(hub.port, bearer(es(CLAIMS, { kid: 'e1' })))).status).toBe(101);
    expect((await tryHandshake(hub.port, bearer(rs(CLAIMS, { kid: 'r1' })))).status).toBe(401);
  });
});

describe('what does not fit is refused when the hook is made', () => {
  test.each<[string, object, RegExp]>([
    ['no key', { algorithms: ['HS256'] }, /either key or jwks/],
    [
      'a misspelt check',
      { key: SECRET, algorithms: ['HS256'], issuers: 'me' },
      /no option issuers; there are key, .*issuer/,
    ],
    ['key and jwks', { algorithms: ['HS256'], key: SECRET, jwks: 'x' }, /either key or jwks/],
    ['no algorithms', { key: SECRET }, /algorithms takes a list of HS256/],
    ['an empty list', { key: SECRET, algorithms: [] }, /algorithms takes a list/],
    ['none', { key: SECRET, algorithms: ['none'] }, /algorithms takes a list of HS256.*, not none/],
    ['a short secret', { key: 'short', algorithms: ['HS256'] }, /a secret of at least 32 bytes/],
    [
      'a secret too short for one',
      { key: SECRET, algorithms: ['HS256', 'HS512'] },
      /HS512.* at least 64 bytes/,
    ],
    [
      'a public key as a secret',
      { key: pemOf(rsa), algorithms: ['HS256'] },
      /does not fit the algorithm HS256/,
    ],
    [
      'a secret as a public key',
      { key: SECRET, algorithms: ['RS256'] },
      /RS256, which takes a public key: rsa/,
    ],
    [
      'a public key in bytes as a secret',
      { key: Buffer.from(pemOf(rsa)), algorithms: ['HS256'] },
      /does not fit the algorithm HS256/,
    ],
    [
      'a short key',
      { key: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, algorithms: ['RS256'] },
      /RS256, which takes a public key: rsa of at least 2048 bits/,
    ],
    [
      'what the key is',
      { key: 'short', algorithms: ['HS256'] },
      /the key, a secret of 5 bytes, does not fit/,
    ],
    ['another type of key', { key: pemOf(rsa), algorithms: ['RS256', 'ES256'] }, /ES256.*ec prime256v1/],
    ['another curve', { key: pemOf(ec), algorithms: ['ES384'] }, /ES384.*secp384r1/],
    ['PEM text that is none', { key: '-----BEGIN X-----', algorithms: ['RS256'] }, /no key or certificate/],
    ['a key of no kind', { key: 7, algorithms: ['HS256'] }, /string, bytes or a KeyObject/],
    ['a file that is not there', { jwks: '/no/jwks.json', algorithms: ['RS256'] }, /cannot read \/no\/jwks/],
    ['a file that is no set', { jwks: 'package.json', algorithms: ['RS256'] }, /not a JSON Web Key Set/],
    [
      'a secret and a set',
      { jwks: 'package.json', algorithms: ['HS256'] },
      /the algorithm HS256 takes a key/,
    ],
    [
      'a place that is none',
      { key: SECRET, algorithms: ['HS256'], from: ['body'] },
      /from takes .* not body/,
    ],
    ['no place', { key: SECRET, algorithms: ['HS256'], from: [] }, /from takes a list/],
    ['a cookie without a name', { key: SECRET, algorithms: ['HS256'], from: ['cookie'] }, /come together/],
    [
      'a name without a cookie',
      { key: SECRET, algorithms: ['HS256'], from: ['header'], cookie: 'a' },
      /together/,
    ],
    ['a negative tolerance', { key: SECRET, algorithms: ['HS256'], clockToleranceSeconds: -1 }, /at least 0/],
  ])('%s', (_, options, message) => {
    expect(() => jwtUpgrade(options as JwtUpgradeOptions)).toThrow(message);
    try {
      jwtUpgrade(options as JwtUpgradeOptions);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_OPTION' });
    }
  });
});
