/** Hubs whose brokers `shardhub/nats` and `shardhub/redis` have made, on real servers. */
import { join } from 'node:path';
import { connect, usernamePasswordAuthenticator } from '@nats-io/transport-node';
import { createHub, type Hub, type HubOptions, type Position } from 'shardhub';
import { natsBroker } from 'shardhub/nats';
import { redisBroker } from 'shardhub/redis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tlsFile } from '../../support/broker/remote.js';
import { temporaryFolder } from '../../support/processes/temporary-folder.js';
import { hasNatsServer, NatsServer } from '../../support/servers/nats-server.js';
import { hasRedisServer, RedisServer } from '../../support/servers/redis-server.js';
import { until } from '../../support/until.js';

for (const [name, isThere] of [
  ['nats-server', hasNatsServer],
  ['redis-server', hasRedisServer],
] as const) {
  if (!isThere && process.env.CI === 'true') throw new Error(`${name} is not installed`);
  if (!isThere) console.log(`skipped: ${name} is not installed (apt-get install ${name})`);
}

async function startHub(broker: HubOptions['broker']): Promise<Hub> {
  const topics = { 'chat:*': { history: { size: 10 } } };
  const hub = await createHub({ port: 0, workers: 0, handler: 'echo', topics, broker, logLevel: 'silent' });
  onTestFinished(() => hub.close({ timeoutMs: 50 }));
  return hub;
}

/** What one publishes is in the history of the other. */
async function expectCluster(a: Hub, b: Hub): Promise<void> {
  const text = `${Math.random()}`;
  const { offset } = await a.publish<Promise<Position>>('chat:1', text);
  expect((await b.history('chat:1', { limit: 1 })).publications).toEqual([{ offset, data: text }]);
  for (const hub of [a, b]) await until('both to know both', () => hub.cluster.nodes().length === 2);
}

describe.skipIf(!hasNatsServer)('NATS', () => {
  test('with options of the client: one recipe for several hubs', async () => {
    const users = 'authorization { user: ann, password: "s3cret" }';
    const tls = `tls { cert_file: "${tlsFile('cert')}", key_file: "${tlsFile('key')}" }`;
    const server = await NatsServer.start(`${users}\n${tls}`);
    onTestFinished(() => server.stop());
    const authenticator = usernamePasswordAuthenticator('ann', () => 's3cret');
    const settings = { servers: `127.0.0.1:${server.port}`, tls: { caFile: tlsFile('cert') } };
    const broker = natsBroker({ ...settings, authenticator });
    await expectCluster(await startHub(broker), await startHub(broker));
    const refused = startHub(natsBroker({ ...settings, user: 'ann', pass: 'wr0ng' }));
    await expect(refused).rejects.toMatchObject({ code: 'ERR_BROKER' });
  });

  test('with a connection of the application, which outlives its hubs; without it they are down, and say so', async () => {
    const server = await NatsServer.start();
    onTestFinished(() => server.stop());
    const connection = await connect({ servers: server.url, maxReconnectAttempts: -1 });
    onTestFinished(() => connection.close());
    const broker = natsBroker({ connection });
    const [a, b] = [await startHub(broker), await startHub(broker)];
    await expectCluster(a, b);
    await b.close();
    expect(connection.isClosed()).toBe(false);
    await until('it to be gone', () => a.cluster.nodes().length === 1);
    await connection.close();
    await until('it to be missed', () => a.stats().cluster.state === 'down');
    expect(a.stats().cluster.reason).toContain('closed');
    await expect(startHub(broker)).rejects.toMatchObject({ message: expect.stringMatching(/is closed/) });
  });
});

test.skipIf(!hasRedisServer)(
  'Redis by a Unix socket, with credentials of a provider: by the option socket of the client',
  async () => {
    const path = join(temporaryFolder(), 'redis.sock');
    const user = ['--user', 'ann', 'on', '>s3cret', '~*', '&*', '+@all', '--user', 'default', 'off'];
    const server = await RedisServer.start(['--unixsocket', path, ...user]);
    onTestFinished(() => server.stop());
    const credentialsProvider = {
      type: 'async-credentials-provider' as const,
      credentials: async () => ({ username: 'ann', password: 's3cret' }),
    };
    const broker = redisBroker({ socket: { path, tls: false }, credentialsProvider, database: 2 });
    await expectCluster(await startHub(broker), await startHub(broker));
    const refused = startHub(
      redisBroker({ socket: { path, tls: false }, username: 'ann', password: 'wr0ng' }),
    );
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_BROKER',
      message: expect.stringMatching(/^(?!.*wr0ng).*redis\.sock/),
    });
  },
);
