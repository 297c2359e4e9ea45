/** The option `origins`: which pages a browser may connect from. */
import { type HandshakeRequest, type HubOptions, resolveOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { compileOrigins } from '../../../src/hub/admission/origins.js';
import { fetchRaw } from '../../support/clients/http-client.js';
import { tryHandshake } from '../../support/clients/raw-client.js';
import { counted } from '../../support/counters.js';
import { startHub } from '../../support/servers/hubs.js';

type Rule = NonNullable<HubOptions['origins']>;

const requestTo = (host: string) => ({ headers: { host } }) as unknown as HandshakeRequest;

describe('the rules', () => {
  test.each<[string, Rule, allowed: string[], refused: string[]]>([
    ['*', '*', ['https://a.example', 'null', 'junk'], []],
    [
      'same-origin',
      'same-origin',
      ['https://me.example', 'http://me.example', 'https://me.example:443'],
      ['https://me.example:8443', 'https://you.example', 'null', '', 'me.example', 'https://me.example.evil'],
    ],
    [
      'a list',
      ['https://a.example', 'https://b.example:8443'],
      ['https://a.example', 'HTTPS://A.example', 'https://b.example:8443'],
      ['http://a.example', 'https://b.example', 'https://aXexample', 'https://a.example.evil', 'null'],
    ],
    [
      'a list with a wildcard',
      ['https://*.a.example', 'https://*.b.example:8443'],
      ['https://x.a.example', 'https://x.y.a.example', 'https://X.A.EXAMPLE', 'https://x.b.example:8443'],
      [
        'https://a.example',
        'https://.a.example',
        'https://evil-a.example',
        'https://x.a.example.evil',
        'https://x.a.example:8443',
        'https://x.b.example',
        'https://evil.example/.a.example',
        'https://evil.example:1.a.example',
        'https://user@x.a.example',
        'http://x.a.example',
      ],
    ],
    [
      'a pattern, for the whole origin',
      /https:\/\/(a|b)\.example/,
      ['https://a.example', 'https://b.example'],
      ['https://a.example.evil', 'xhttps://a.example', 'https://aXexample', 'https://a.example\nx'],
    ],
    ['a pattern with alternatives', /https:\/\/a|https:\/\/b/i, ['https://B'], ['https://ab', 'x https://b']],
    [
      'a pattern in a list',
      ['https://a.example', /https:\/\/b\d/],
      ['https://b7'],
      ['https://b', 'https://b77'],
    ],
  ])('%s', (_, rule, allowed, refused) => {
    const check = compileOrigins(rule);
    for (const origin of allowed) expect(check(origin, requestTo('me.example')), origin).toBe(true);
    for (const origin of refused) expect(check(origin, requestTo('me.example')), origin).toBe(false);
  });

  test.each([
    ['https://a.example:443', 'https://a.example'],
    ['http://a.example:80', 'http://a.example'],
    ['http://a.example:443', 'http://a.example:443'],
    ['https://a.example/', 'https://a.example'],
    ['HTTPS://A.EXAMPLE', 'https://a.example'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://*.BÜCHER.example:443', 'https://shop.xn--bcher-kva.example'],
    ['http://[0:0:0:0:0:0:0:1]:8080', 'http://[::1]:8080'],
    ['http://[2001:DB8::0001]', 'http://[2001:db8::1]'],
    ['http://127.1', 'http://127.0.0.1'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['https://x.y.example', 'https://x.y.example'],
  ])('the entry %s lets %s in, as a browser writes it', (entry, origin) => {
    expect(resolveOptions({ origins: [entry] }).origins).toEqual([entry]);
    expect(compileOrigins([entry])(origin, requestTo('me.example'))).toBe(true);
    expect(compileOrigins([entry])(`${origin}0`, requestTo('me.example'))).toBe(false);
  });

  test.each([
    ...['wss://a.example', 'ws://a.example', 'file:///x', 'ftp://a.example', 'https://a.example/x'],
    ...['https://a.example?x', 'https://a.example#x', 'https://u@a.example', 'https://a.example:99999'],
    ...['https://a b.example', 'https://*', 'https://*.', 'https://a.*.example', 'https://*.127.0.0.1'],
    ...[
      'https://*.[::1]',
      'https://[::1',
      'a.example',
      '//a.example',
      'null',
      '',
      'https://',
      'https://a.example//',
    ],
  ])('the entry %j, which no page can have for an origin, is refused', (entry) => {
    expect(() => resolveOptions({ origins: [entry] })).toThrow(
      /option "origins" got .* as browsers send them/,
    );
  });

  test.each([/https:\/\/a/g, /https:\/\/a/y])('%s gives the same answer each time', (pattern) => {
    const check = compileOrigins(pattern);
    for (let i = 0; i < 3; i++) expect(check('https://a', requestTo('x'))).toBe(true);
  });
});

describe('a function', () => {
  test('decides on origin and request, for handshakes and POST /echo', async () => {
    const asked: [string, string][] = [];
    const { hub } = await startHub({
      workers: 0,
      origins: (origin, request) => {
        asked.push([origin, request.path]);
        return request.query === 'yes';
      },
    });
    const headers = { origin: 'https://a.example' };
    expect((await tryHandshake(hub.port, { path: '/ws?yes', headers })).status).toBe(101);
    expect((await tryHandshake(hub.port, { path: '/ws?no', headers })).status).toBe(403);
    expect((await tryHandshake(hub.port)).status).toBe(101);
    for (const [query, status] of [
      ['yes', 200],
      ['no', 403],
    ] as const) {
      const answer = await fetch(`${hub.url}/echo?${query}`, { method: 'POST', headers, body: 'x' });
      expect(answer.status).toBe(status);
    }
    expect(asked).toEqual([
      ['https://a.example', '/ws'],
      ['https://a.example', '/ws'],
      ['https://a.example', '/echo'],
      ['https://a.example', '/echo'],
    ]);
    expect(counted(hub.stats().rejected)).toEqual({ 'bad-origin': 2 });
  });

  test.each<[string, () => unknown, RegExp]>([
    ['a promise, which would count as true', async () => false, /returned a promise/],
    ['a promise that is rejected', () => Promise.reject(new Error('of nobody')), /returned a promise/],
    ['undefined', () => undefined, /returned undefined/],
    [
      'an exception',
      () => {
        throw new Error('broken rule');
      },
      /broken rule/,
    ],
  ])('that comes to %s lets nobody in', async (_, origins, message) => {
    const { hub, log } = await startHub({ workers: 0, origins: origins as () => boolean });
    const headers = { origin: 'https://a.example' };
    expect((await tryHandshake(hub.port, { headers })).status).toBe(500);
    expect(counted(hub.stats().rejected)).toEqual({ 'upgrade-error': 1 });
    expect(String(log[0]!.details.err)).toMatch(message);
    // The same at the other door, which has no answer for it.
    await expect(
      fetch(`${hub.url}/echo`, { method: 'POST', headers, body: 'x' }).then((answer) => answer.ok),
    ).rejects.toThrow();
    expect((await fetchRaw(`${hub.url}/healthz`)).status).toBe(200);
  });
});

describe('a hub on a loopback address is for pages under a loopback name: DNS rebinding leads others there', () => {
  const page = (name: string, port: number) => ({
    host: `${name}:${port}`,
    origin: `http://${name}:${port}`,
  });

  /** Statuses of a handshake and of POST /echo. */
  async function ask(port: number, headers: Record<string, string>): Promise<number[]> {
    const request = { method: 'POST', headers, port, path: '/echo' };
    return [
      (await tryHandshake(port, { headers })).status,
      (await fetchRaw(`http://127.0.0.1:${port}/echo`, request, 'x')).status,
    ];
  }

  test.each<[string, HubOptions]>([
    ['by its address', {}],
    ['by a name', { host: 'localhost' }],
  ])('%s', async (_, options) => {
    const { hub } = await startHub({ workers: 0, ...options });
    const { port } = hub;
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', 'app.localhost', '[::1]'])
      expect(await ask(port, page(name, port)), name).toEqual([101, 200]);
    const foreign = ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'];
    for (const name of foreign) expect(await ask(port, page(name, port)), name).toEqual([403, 403]);
    expect(counted(hub.stats().rejected)).toEqual({ 'bad-host': 2 * foreign.length });
    // No browser.
    expect(await ask(port, { host: 'evil.example' })).toEqual([101, 200]);
  });

  test.each<[string, HubOptions]>([
    ['another address', { host: '0.0.0.0' }],
    ['a proxy that adds X-Forwarded-For', { trustProxy: 1 }],
    ['a proxy that speaks the PROXY protocol', { proxyProtocol: true }],
    ['a pattern', { origins: /http:\/\/app\.example:\d+/ }],
    ['everybody', { origins: '*' }],
    ['a function', { origins: () => true }],
  ])('but not with %s', async (_, options) => {
    const { hub } = await startHub({ workers: 0, ...options });
    expect(await ask(hub.port, page('app.example', hub.port))).toEqual([101, 200]);
  });
});
