/** Who may read the statistics: the token, and what goes without one on a loopback address. */
import { describe, expect, test } from 'vitest';
import { refuseStats, statsAccess } from '../../../src/hub/http/stats-access.js';
import { isLoopbackHost } from '../../../src/util/address.js';
import { fetchRaw } from '../../support/clients/http-client.js';
import { rawRequest } from '../../support/clients/raw-http.js';
import { startHub } from '../../support/servers/hubs.js';

const TOKEN = 'correct-horse-battery-staple';
const PATHS = ['/stats', '/stats/stream'];

/** What a request for `path` is answered with; a stream is left at once. */
async function ask(port: number, path: string, headers: Record<string, string> = {}) {
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const {
    status,
    body,
    headers: answered,
  } = await rawRequest(port, `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  return { status, body, headers: answered };
}

test.each([
  ['localhost', true],
  ['LOCALHOST', true],
  ['app.localhost', true],
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['[::1]', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::', false],
  ['0.0.0.0', false],
  ['10.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['fe80::1%eth0', false],
  ['128.0.0.1', false],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['127.evil.example', false],
  ['', false],
])('%j is a loopback host: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});

test('access depends on the token first, then on the address', () => {
  expect(statsAccess({ host: '127.0.0.1' })).toBe('open');
  expect(statsAccess({ host: '127.0.0.1', statsToken: TOKEN })).toBe('token');
  expect(statsAccess({ host: '0.0.0.0', statsToken: TOKEN })).toBe('token');
  expect(statsAccess({ host: '0.0.0.0' })).toBe('closed');
});

describe('with a token', () => {
  test.each(PATHS)('%s wants it, and says how', async (path) => {
    const { hub } = await startHub({ statsToken: TOKEN });
    const wrong = [
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
    ];
    for (const authorization of wrong) {
      const { status, headers, body } = await ask(hub.port, path, { Authorization: authorization });
      expect(status, authorization).toBe(401);
      expect(headers['www-authenticate']).toMatch(/^Bearer/);
      expect(body).toContain('Authorization: Bearer');
      expect(body).not.toContain(TOKEN);
    }
    expect(hub.stats().rejected['bad-token']).toBe(wrong.length);
    // Under any name: whoever has the token may come through a proxy.
    const headers = { host: 'stats.example', authorization: `Bearer ${TOKEN}` };
    expect((await fetch(hub.url + path, { method: 'HEAD', headers })).status).toBe(
      path === '/stats' ? 200 : 405,
    );
    const response = await fetch(hub.url + path, { headers: { authorization: `bearer ${TOKEN}` } });
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  test('health and readiness stay open', async () => {
    const { hub } = await startHub({ statsToken: TOKEN });
    for (const path of ['/healthz', '/readyz']) expect((await fetchRaw(hub.url + path)).status).toBe(200);
  });
});

test.each(PATHS)(
  '%s is closed on more than a loopback address without a token, and names the option',
  async (path) => {
    const { hub } = await startHub({ host: '0.0.0.0' });
    const { status, body } = await ask(hub.port, path, { Authorization: 'Bearer undefined' });
    expect({ status, body }).toMatchObject({
      status: 403,
      body: expect.stringContaining('statsToken (--stats-token)'),
    });
    expect(hub.stats().rejected['token-required']).toBe(1);
    for (const open of ['/healthz', '/readyz']) expect((await ask(hub.port, open)).status).toBe(200);
  },
);

describe('on a loopback address without a token', () => {
  test.each(PATHS)(
    '%s refuses a foreign Host, under which a page gets here by DNS rebinding',
    async (path) => {
      const { hub } = await startHub();
      const foreign = [
        `evil.example:${hub.port}`,
        'evil.example',
        '127.0.0.1.evil.example',
        '10.0.0.1',
        'a b',
      ];
      for (const host of foreign) {
        const { status, body } = await ask(hub.port, path, { Host: host });
        expect({ status, body }, host).toMatchObject({
          status: 403,
          body: expect.stringContaining('statsToken'),
        });
      }
      expect(hub.stats().rejected['bad-host']).toBe(foreign.length);
    },
  );

  test.each(['127.0.0.1', 'localhost:8080', 'LocalHost', '[::1]:8080', 'app.localhost'])(
    'the Host %s may read /stats',
    async (host) => {
      const { hub } = await startHub();
      expect((await ask(hub.port, '/stats', { Host: host })).status).toBe(200);
    },
  );

  test('a page of another site cannot hold a stream open, but a link to /stats works', () => {
    const rules = { host: '127.0.0.1' };
    const host = '127.0.0.1:8080';
    const from = (site: string, mode: string) =>
      refuseStats({ host, 'sec-fetch-site': site, 'sec-fetch-mode': mode }, rules)?.reason;
    expect(from('cross-site', 'no-cors')).toBe('bad-host');
    expect(from('same-site', 'no-cors')).toBe('bad-host');
    expect(from('same-origin', 'cors')).toBeUndefined();
    expect(from('none', 'navigate')).toBeUndefined();
    expect(from('cross-site', 'navigate')).toBeUndefined();
  });
});
