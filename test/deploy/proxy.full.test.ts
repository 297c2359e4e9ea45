/** The files of deploy/proxy, run by the proxies themselves in front of two hubs. */
import type { Hub, HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { startHub } from '../support/servers/hubs.js';
import { PROXY_PROGRAMS, type ProxyName, startProxy } from '../support/servers/proxy-program.js';
import { until } from '../support/until.js';

const asItIs = (text: string) => text;
/** The line that the file has for it. */
const withProxyProtocol = (text: string) =>
  text
    .replace(/^.*option forwardfor\n/m, '')
    .replace(/^ +default-server.*\n/m, '')
    .replace('# default-server', 'default-server');

const SETUPS: readonly (readonly [title: string, ProxyName, HubOptions, (text: string) => string])[] = [
  ['nginx', 'nginx', { trustProxy: 1 }, asItIs],
  ['HAProxy', 'haproxy', { trustProxy: 1 }, asItIs],
  ['HAProxy with the PROXY protocol', 'haproxy', { proxyProtocol: true }, withProxyProtocol],
  ['Caddy', 'caddy', { trustProxy: 1 }, asItIs],
];

describe.each(SETUPS)('behind %s', (_, name, options, edit) => {
  const start = async (more: HubOptions = {}) => {
    const { hub: a } = await startHub({ workers: 1, ...options, ...more });
    const { hub: b } = await startHub({ workers: 1, ...options, ...more });
    return { a, b, start: (ports = [a.port, b.port] as const) => startProxy(name, ports, edit) };
  };
  const dial = (url: string, more = {}) => WsClient.connect(url, { rejectUnauthorized: false, ...more });
  const count = (hub: Hub) => [...hub.connections()].length;
  const settled = (hub: Hub, connections: number) =>
    until(`${connections} connections`, () => count(hub) === connections);
  const isMissing = isProgramMissing(PROXY_PROGRAMS[name], name);

  test.skipIf(isMissing)('messages, addresses, origins and closes are as without it', async () => {
    const { a, start: startIt } = await start();
    const proxy = await startIt([a.port, a.port]);
    // A page of the address that a browser sees: its host and its port.
    const client = await dial(proxy.wsUrl, {
      headers: { origin: `https://127.0.0.1:${proxy.port}`, 'x-forwarded-for': '6.6.6.6' },
      localAddress: '127.0.0.9',
    });
    expect(await client.ask('through the proxy')).toBe('through the proxy');
    expect([...a.connections()].map(({ remoteAddress }) => remoteAddress)).toEqual(['127.0.0.9']);
    await expect(dial(proxy.wsUrl, { headers: { origin: 'https://evil.example' } })).rejects.toThrow(/403/);
    expect((await client.close(4321, 'bye')).code).toBe(4321);
    await settled(a, 0);
  });

  test.skipIf(isMissing)('a reload of it', async () => {
    const { a, b, start: startIt } = await start();
    const proxy = await startIt([a.port, a.port]);
    const old = await dial(proxy.wsUrl);
    await settled(a, 1);
    await proxy.reload([b.port, b.port]);
    await until('a connection to the other hub', async () => {
      const client = await dial(proxy.wsUrl).catch(() => undefined);
      await client?.ask('hello').catch(() => {});
      const isThere = count(b) > 0;
      await client?.close();
      return isThere;
    });
    if (name === 'caddy') {
      // Until its 2.7, it has no grace for them.
      await old.closed;
      await settled(a, 0);
    } else {
      expect(await old.ask('still here')).toBe('still here');
      expect(count(a)).toBe(1);
    }
  });

  test.skipIf(isMissing)('a drain: nothing new comes, what is open ends as the hub ends it', async () => {
    const { a, b, start: startIt } = await start({ drainDelayMs: 300_000, drainTimeoutMs: 600_000 });
    const proxy = await startIt();
    const clients = await Promise.all(Array.from({ length: 40 }, () => dial(proxy.wsUrl)));
    expect(count(a) + count(b)).toBe(40);
    // The hub that drains has fewer: what is new would go there.
    const [kept, ...rest] = a.connections();
    kept!.send('you');
    for (const connection of rest) connection.close(4000);
    await settled(a, 1);
    const onB = count(b);
    const old = await until('its client', () => clients.find(({ waiting }) => waiting > 0));
    const drained = a.close({ code: 1012 });
    const end = () => void a.close({ timeoutMs: 20_000 });
    expect((await fetch(`${a.url}/readyz`)).status).toBe(503);
    // nginx asks nobody: it looks elsewhere once the hub does not listen any more.
    if (name === 'nginx') end();
    await until('the proxy to look elsewhere', async () => {
      const client = await dial(proxy.wsUrl);
      await client.ask('hello').catch(() => {});
      const isElsewhere = count(b) > onB;
      await client.close();
      await until('its end', () => count(a) <= 1 && count(b) === onB);
      return isElsewhere;
    });
    const later = await Promise.all(Array.from({ length: 10 }, () => dial(proxy.wsUrl)));
    expect(await Promise.all(later.map((client) => client.ask('there')))).toEqual(Array(10).fill('there'));
    expect(count(b)).toBe(onB + 10);
    if (name !== 'nginx') {
      expect(await old.nextText()).toBe('you');
      expect(await old.ask('still here')).toBe('still here');
      end();
    }
    expect((await old.closed).code).toBe(1012);
    await drained;
  });
});

// The files give it 120 s, and hubs have 60.
test.skipIf(Object.entries(PROXY_PROGRAMS).some(([name, path]) => isProgramMissing(path, name)))(
  'a silent client outlives the patience of each proxy, since the hub pings it',
  async () => {
    const { hub } = await startHub({ workers: 1, trustProxy: 1, idleTimeout: 8 });
    const impatient = (text: string) => text.replaceAll('120s', '11s');
    const clients = await Promise.all(
      (['nginx', 'haproxy', 'caddy'] as const).map(async (name) => {
        const proxy = await startProxy(name, [hub.port, hub.port], impatient);
        return WsClient.connect(proxy.wsUrl, { rejectUnauthorized: false });
      }),
    );
    const startMs = performance.now();
    const pings = clients.map((client) => {
      let count = 0;
      client.socket.on('ping', () => {
        count++;
      });
      return () => count;
    });
    await until(
      'four pings each',
      () => pings.every((count) => count() >= 4) && performance.now() - startMs > 15_000,
    );
    expect(await Promise.all(clients.map((client) => client.ask('still here')))).toEqual(
      Array(3).fill('still here'),
    );
  },
);
