/** Several WebSocket paths with different handlers on one port. */
import { createHub, HubError, type HubOptions, resolveOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { fetchRaw, post } from '../../support/clients/http-client.js';
import { tryHandshake } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { engineUnderTest } from '../../support/engines/under-test.mjs';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const at = (hub: { url: string }, path: string) => `${hub.url.replace('http', 'ws')}${path}`;
const where = fixture('where.mjs');
const lives = fixture('lives.mjs');

describe.each([2, 0])('with %i workers', (workers) => {
  test('each path has its handler; what is of one does not reach another', async () => {
    const routes = {
      '/where': { handler: where },
      '/lives': { handler: lives },
      '/echo2': { handler: 'echo' },
    };
    const { hub } = await startHub({ routes, workers });
    expect(hub.wsUrl).toBe(at(hub, '/where'));
    for (let i = 0; i < 3; i++) {
      const [first, second, third] = await Promise.all(
        Object.keys(routes).map((path) => WsClient.connect(at(hub, path))),
      );
      // Only a handler with `open` is asked; it would have sent something first.
      expect(await first!.ask('where')).toMatch(/^[01]$/);
      expect(await second!.collectTexts(1)).toEqual(['open false']);
      expect(await second!.ask('x')).toBe('lives 1');
      expect(await third!.ask('x')).toBe('x');
    }
    expect(hub.stats().routes).toEqual([
      { path: '/where', handler: String(where), connections: 3 },
      { path: '/lives', handler: String(lives), connections: 3 },
      { path: '/echo2', handler: 'echo', connections: 3 },
    ]);
    expect([...hub.connections({ path: '/lives' })].map(({ request }) => request.path)).toEqual(
      Array.from({ length: 3 }, () => '/lives'),
    );
    expect([...hub.connections({ path: '/none' })]).toEqual([]);
    for (const connection of hub.connections({ path: '/lives' })) connection.close();
    await until('them to be gone', () => hub.stats().routes[1]!.connections === 0);
    expect(hub.stats().routes.map(({ connections }) => connections)).toEqual([3, 0, 3]);
  });

  test('a payload is borrowed by the handlers that say so, and by no other', async () => {
    const { hub } = await startHub({
      routes: {
        '/borrowed': { handler: fixture('borrowed.mjs') },
        '/keeping': { handler: fixture('keeping.mjs') },
      },
      workers,
    });
    const [borrowed, keeping] = await Promise.all(
      ['/borrowed', '/keeping'].map((path) => WsClient.connect(at(hub, path))),
    );
    for (const text of ['one', 'two', 'three']) {
      borrowed!.send(text);
      keeping!.send(text);
    }
    expect(await keeping!.collectTexts(3)).toEqual(['one', 'two', 'three']);
    expect(await borrowed!.collectTexts(4)).toEqual(['two', 'ERR_MESSAGE_EXPIRED', 'two', 'two']);
  });
});

test('a handler that several paths share is loaded and started once', async () => {
  const { hub } = await startHub({
    routes: { '/a': { handler: lives }, '/b': { handler: lives }, '/c': { handler: 'echo' } },
    workers: 1,
  });
  for (const path of ['/a', '/b']) {
    const client = await WsClient.connect(at(hub, path));
    expect(await client.nextText()).toBe('open false');
    expect(await client.ask('x')).toBe('lives 1');
  }
  expect(hub.stats().handler).toBe(`${lives}, echo`);
});

test('a replaced worker knows which handler each connection has', async () => {
  const { hub } = await startHub({
    routes: { '/echo2': { handler: 'echo' }, '/lives': { handler: lives } },
    workers: 1,
  });
  const echo = await WsClient.connect(at(hub, '/echo2'));
  const [kept, victim] = [
    await WsClient.connect(at(hub, '/lives')),
    await WsClient.connect(at(hub, '/lives')),
  ];
  expect(await echo.ask('x')).toBe('x');
  expect([await kept.nextText(), await victim.nextText()]).toEqual(['open false', 'open false']);
  victim.send('exit');
  expect((await victim.closed).code).toBe(1011);
  expect(await kept.nextText()).toBe('open true');
  expect(await echo.ask('y')).toBe('y');
  expect(await kept.ask('x')).toBe('lives 1');
});

test('a path may have its own hook, origins, subprotocols and affinity; the hub’s stand in for them', async () => {
  const { hub } = await startHub({
    routes: {
      '/own': {
        handler: fixture('handshake.mjs'),
        upgrade: () => ({ data: 'own' }),
        origins: ['https://own.example'],
        subprotocols: ['own'],
        affinity: () => 'one',
      },
      '/hubs': { handler: fixture('handshake.mjs') },
    },
    upgrade: () => ({ data: 'hub' }),
    origins: ['https://hub.example'],
    subprotocols: ['hub'],
  });
  for (const [path, name] of [
    ['/own', 'own'],
    ['/hubs', 'hub'],
  ] as const) {
    const headers = { origin: `https://${name}.example` };
    const client = await WsClient.connect(at(hub, path), { protocols: ['hub', 'own'], headers });
    expect(client.socket.protocol).toBe(name);
    expect(await client.ask('data')).toBe(`'${name}'`);
    const foreign = { origin: `https://${name === 'own' ? 'hub' : 'own'}.example` };
    expect((await tryHandshake(hub.port, { path, headers: foreign })).status).toBe(403);
  }
  const before = hub.stats().shards.map(({ connections }) => connections);
  for (let i = 0; i < 4; i++)
    await WsClient.connect(at(hub, '/own'), {
      protocols: ['own'],
      headers: { origin: 'https://own.example' },
    });
  const more = hub.stats().shards.map(({ connections }, i) => connections - before[i]!);
  expect(more.sort()).toEqual([0, 4]);
});

test('HTTP: every path wants a WebSocket, POST /echo goes to the first, nothing is at /ws', async () => {
  const { hub } = await startHub({ routes: { '/a': { handler: where }, '/b': { handler: 'echo' } } });
  for (const path of ['/a', '/b']) expect((await fetchRaw(hub.url + path)).status).toBe(426);
  expect((await fetchRaw(`${hub.url}/ws`)).status).toBe(404);
  expect((await tryHandshake(hub.port, { path: '/ws' })).status).toBe(404);
  expect((await post(hub.url, 'where')).body.toString()).toMatch(/^[01]$/);
  expect(hub.stats().routes.map(({ connections }) => connections)).toEqual([0, 0]);
});

test('a handler that cannot be loaded is named, whichever it is', async () => {
  const routes = { '/a': { handler: 'echo' }, '/b': { handler: fixture('throws-at-load.mjs') } };
  await expect(createHub({ ...engineUnderTest, port: 0, workers: 1, routes })).rejects.toMatchObject({
    code: 'ERR_HANDLER_LOAD',
    message: expect.stringContaining('throws-at-load.mjs'),
  });
});

describe('what is refused', () => {
  const echo = { handler: 'echo' };

  test.each<[object, RegExp]>([
    [{ routes: { '/a': echo }, path: '/b' }, /^options "routes" and "path" were both given/],
    [{ routes: { '/a': echo }, handler: 'echo' }, /^options "routes" and "handler" were both given/],
    [{ routes: {} }, /option "routes" got {} but takes an object with at least one path/],
    [{ routes: [echo] }, /option "routes" got \[.* but takes an object/],
    [
      { routes: { '/echo': echo } },
      /option "routes", path "\/echo": it is a path that the hub serves itself/,
    ],
    [{ routes: { '/': echo }, console: true }, /path "\/": it is a path that the hub serves itself/],
    [{ routes: { a: echo } }, /path "a" is none: a hub takes a path as clients ask for it/],
    [{ routes: { '/a/*': echo } }, /path "\/a\/\*" is none/],
    [{ routes: { '/a': 'echo' } }, /path "\/a" got "echo" but takes an object with a handler/],
    [{ routes: { '/a': {} } }, /path "\/a": option "handler" got undefined but takes the name of a built-in/],
    [{ routes: { '/a': { handler: 7 } } }, /path "\/a": option "handler" got 7/],
    [{ routes: { '/a': { ...echo, port: 7 } } }, /path "\/a": unknown option "port"/],
    [
      { routes: { '/a': { ...echo, origins: 7 } } },
      /path "\/a": option "origins" got 7 but takes "same-origin"/,
    ],
    [
      { routes: { '/a': { ...echo, affinity: 'x' } } },
      /path "\/a": option "affinity" got "x" but takes "path"/,
    ],
  ])('%j', async (options, message) => {
    const error = await createHub({ ...engineUnderTest, port: 0, ...(options as HubOptions) }).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(HubError);
    expect(error.code).toBe('ERR_OPTION');
    expect(error.message).toMatch(message);
  });

  test('but not a path of the hub’s that is switched off', async () => {
    const { hub } = await startHub({ routes: { '/echo': echo }, http: false });
    expect(await (await WsClient.connect(hub.wsUrl)).ask('x')).toBe('x');
  });
});

describe('a path', () => {
  const echo = { handler: 'echo' };

  test.each([
    ...[
      '/é',
      '/a b',
      '/a/../b',
      '/a/./b',
      '/..',
      '/.',
      '/%2e',
      '/a/%2E%2e/b',
      '/a/.',
      '/"',
      '/<',
      '/`',
      '/{x}',
    ],
    ...[
      '/a\\b',
      '/\t',
      '/a\n',
      '/a\0',
      '/\ud800',
      '/?',
      '/#',
      '/a?b',
      '/*',
      '/:x',
      '',
      'a',
      `/${'x'.repeat(1024)}`,
    ],
    '/a'.repeat(100),
  ])('that can never be asked for is refused (%#)', (path) => {
    expect(() => resolveOptions({ path })).toThrow(/option "path" got .* as clients ask for it/);
    expect(() => resolveOptions({ routes: { [path]: echo } })).toThrow(
      /is none: a hub takes a path as clients/,
    );
  });

  test('that is taken is the one that a client reaches', async () => {
    const paths = [
      ...[
        '/',
        '//',
        '/a//b',
        '/a/',
        '/caf%C3%A9',
        '/caf%c3%a9',
        '/a%20b',
        '/100%',
        '/a%2Fb',
        '/.x',
        '/...',
        '/%2ex',
      ],
      ...["/!$&'()+,;=@~-._", '/[x]', '/A', '/a|b', `/${'x'.repeat(1023)}`, '/a'.repeat(99)],
    ];
    const { hub } = await startHub({
      workers: 0,
      routes: Object.fromEntries(paths.map((path) => [path, echo])),
    });
    for (const path of paths) {
      const client = await WsClient.connect(at(hub, path));
      expect(hub.stats().routes.find((route) => route.path === path)?.connections, path).toBe(1);
      client.destroy();
    }
  });
});

test('two hubs of one process have nothing to do with each other', async () => {
  const [{ hub: first }, { hub: second }] = await Promise.all([
    startHub({ handler: 'done' }),
    startHub({ routes: { '/a': { handler: where }, '/b': { handler: 'echo' } } }),
  ]);
  const ofFirst = await WsClient.connect(first.wsUrl);
  const ofSecond = await WsClient.connect(at(second, '/b'));
  expect(await ofFirst.ask('x')).toBe('binary:x done');
  await first.close();
  expect((await ofFirst.closed).code).toBe(1001);
  for (let i = 0; i < 100; i++) expect(await ofSecond.ask(String(i))).toBe(String(i));
  expect(await (await WsClient.connect(at(second, '/a'))).ask('where')).toMatch(/^[01]$/);
  expect(second.stats()).toMatchObject({ state: 'running', connections: { open: 2, opened: 2 } });
  expect(first.stats()).toMatchObject({ state: 'stopped', connections: { open: 0, opened: 1 } });
});
