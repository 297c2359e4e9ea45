/** The lines for proxies in docs/handshake.md, taken from the page and run by the proxies themselves. */
import type { HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { tryHandshake } from '../support/clients/raw-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { startHub } from '../support/servers/hubs.js';
import { documentedLines, isMissing, type ProxyName, startProxy } from '../support/servers/proxy-program.js';
import { until } from '../support/until.js';

const SETUPS: readonly (readonly [title: string, ProxyName, block: number, HubOptions])[] = [
  ['nginx', 'nginx', 0, { trustProxy: 1 }],
  ['HAProxy', 'haproxy', 0, { trustProxy: 1 }],
  ['HAProxy with the PROXY protocol', 'haproxy', 1, { proxyProtocol: true }],
  ['Caddy', 'caddy', 0, { trustProxy: 1 }],
];

describe.each(SETUPS)('behind %s, as the docs set it up', (_, name, block, options) => {
  const start = async () => {
    const { hub } = await startHub({ workers: 1, ...options });
    return { hub, proxy: await startProxy(name, documentedLines(name, block), hub.port) };
  };

  test.skipIf(isMissing(name))('messages, addresses, origins and closes are as without it', async () => {
    const { hub, proxy } = await start();
    const origin = `http://127.0.0.1:${proxy.port}`;
    // A page of the address that a browser sees: its host and its port.
    const client = await WsClient.connect(`ws://127.0.0.1:${proxy.port}/ws`, {
      headers: { origin, 'x-forwarded-for': '6.6.6.6' },
      localAddress: '127.0.0.9',
    });
    expect(await client.ask('through the proxy')).toBe('through the proxy');
    expect([...hub.connections()].map(({ remoteAddress }) => remoteAddress)).toEqual(['127.0.0.9']);
    const foreign = await tryHandshake(proxy.port, { headers: { origin: 'http://evil.example' } });
    expect(foreign.status).toBe(403);
    if (name === 'haproxy') await until('the check to pass', async () => (await proxy.health()) === 'L7OK');
    await hub.close({ code: 1012 });
    expect((await client.closed).code).toBe(1012);
  });
});
