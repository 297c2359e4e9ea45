/** How many connections are let in: in all, per address, per second. More get 503 with Retry-After. */
import { expect, test } from 'vitest';
import { tryHandshake } from '../../support/clients/raw-client.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

/** Linux lets any address of 127.0.0.0/8 be used. */
const from = (url: string, localAddress: string) => WsClient.connect(url, { localAddress });

async function refusedWith503(port: number): Promise<void> {
  const { status, headers, body } = await tryHandshake(port);
  expect({ status, retry: headers['retry-after'] }).toEqual({
    status: 503,
    retry: expect.stringMatching(/^\d+$/),
  });
  expect(body).toMatch(/^[A-Z].*\.\n$/);
}

test('maxConnections: one more gets 503, and a place that becomes free is given again', async () => {
  const { hub } = await startHub({ maxConnections: 3 });
  const clients = await connectMany(hub.wsUrl, 3);
  await refusedWith503(hub.port);
  await refusedWith503(hub.port);
  expect(hub.stats()).toMatchObject({
    rejected: { 'max-connections': 2 },
    connections: { open: 3, opened: 3 },
  });
  await clients[0]!.close();
  await until('a free place', () => hub.stats().connections.open === 2);
  const late = await WsClient.connect(hub.wsUrl);
  expect(await late.ask('in')).toBe('in');
  await refusedWith503(hub.port);
  for (const client of clients.slice(1)) expect(await client.ask('unharmed')).toBe('unharmed');
});

test.runIf(process.platform === 'linux')(
  'maxConnectionsPerAddress: counts each address by itself',
  async () => {
    const { hub } = await startHub({ maxConnectionsPerAddress: 2 });
    const near = await connectMany(hub.wsUrl, 2);
    await refusedWith503(hub.port);
    const far = [await from(hub.wsUrl, '127.0.0.2'), await from(hub.wsUrl, '127.0.0.2')];
    await expect(from(hub.wsUrl, '127.0.0.2')).rejects.toThrow('503');
    await from(hub.wsUrl, '127.0.0.3');
    expect(hub.stats()).toMatchObject({
      rejected: { 'max-connections-per-address': 2 },
      connections: { open: 5 },
    });
    far[0]!.destroy();
    await until('a free place', () => hub.stats().connections.open === 4);
    expect(await (await from(hub.wsUrl, '127.0.0.2')).ask('in')).toBe('in');
    await refusedWith503(hub.port);
    for (const client of [...near, far[1]!]) expect(await client.ask('unharmed')).toBe('unharmed');
  },
);

test('maxConnectionRate: a burst of one second’s worth passes, more gets 503, and later it passes again', async () => {
  const { hub } = await startHub({ maxConnectionRate: 10 });
  const outcomes = await Promise.all(Array.from({ length: 60 }, () => tryHandshake(hub.port)));
  const accepted = outcomes.filter(({ status }) => status === 101).length;
  expect(accepted).toBeGreaterThanOrEqual(10);
  expect(outcomes.filter(({ status }) => status === 503)).toHaveLength(60 - accepted);
  expect(hub.stats()).toMatchObject({
    rejected: { 'connection-rate': 60 - accepted },
    connections: { opened: accepted },
  });
  await until('a token', async () => (await tryHandshake(hub.port)).status === 101, { everyMs: 50 });
});

test('a handshake that is refused for another reason takes no place and no token', async () => {
  const { hub } = await startHub({ maxConnectionRate: 1, maxConnections: 1 });
  for (let i = 0; i < 20; i++)
    expect(await tryHandshake(hub.port, { headers: { origin: 'https://foreign.example' } })).toMatchObject({
      status: 403,
    });
  const client = await WsClient.connect(hub.wsUrl);
  expect(await client.ask('in')).toBe('in');
});
