/** What `shardhub/nats` and `shardhub/redis` make, where no server is needed for it. */
import { createHub, optionsJsonSchema, resolveOptions } from 'shardhub';
import { natsBroker } from 'shardhub/nats';
import { redisBroker } from 'shardhub/redis';
import { expect, test } from 'vitest';
import { NatsServerPort } from '../../src/broker/nats/nats-server.js';
import { readAccess } from '../../src/broker/redis/access.js';

const made = (make: (options: never) => unknown, options: unknown) => () => make(options as never);

test.each([
  [natsBroker, { servers: [] }, 'option "servers" takes an address'],
  [natsBroker, { servers: ['10.0.0.5:4222', 'http://10.0.0.5'] }, 'option "servers" takes'],
  [natsBroker, { tokn: 's3cret', replicas: 9 }, 'unknown option "tokn"; option "replicas" takes an integer'],
  [natsBroker, { token: 7 }, 'option "token" takes a text'],
  [natsBroker, { authenticator: 's3cret' }, 'option "authenticator" takes a function of the client'],
  [natsBroker, { connection: {} }, 'option "connection" takes what connect() of'],
  [
    natsBroker,
    { connection: { subscribe() {} }, token: 's3cret', raw: true },
    'options "connection" and "token" were both given',
  ],
  [natsBroker, 'nats://ann:s3cret@10.0.0.5', 'its options are an object'],
  [redisBroker, { url: 'nats://10.0.0.5' }, 'option "url" takes a URL (redis:// or rediss://)'],
  [redisBroker, { prefix: 'a b', database: -1 }, 'option "prefix" takes 1 to 32 letters'],
  [
    redisBroker,
    { password: 's3cret', credentialsFile: 'x' },
    '"credentialsFile" and "password" were both given',
  ],
  [redisBroker, { url: 'redis://a', socket: { path: '/x' } }, 'options "url" and "socket" were both given'],
])('%s refuses %j by name, and tells no secret', (make, options, text) => {
  expect(made(make, options)).toThrow(
    expect.objectContaining({
      code: 'ERR_OPTION',
      message: expect.stringMatching(new RegExp(`^${make.name}: .*`)),
    }),
  );
  expect(made(make, options)).toThrow(text);
  expect(made(make, options)).not.toThrow(/s3cret/);
});

test('what is given as undefined turns off no TLS', async () => {
  const { socket } = await readAccess({ url: 'rediss://a', socket: { tls: undefined } as never });
  expect(socket).toEqual({ tls: true });
});

test('a connection of the application may be over what is no socket of Node.js: stale, it is down, and no more', async () => {
  const connection = {
    protocol: { transport: { socket: {} } },
    options: {},
    isClosed: () => false,
    flush: async () => {},
    async *status() {
      for (const type of ['staleConnection', 'disconnect']) yield { type };
    },
  };
  const reason = await new Promise((onDown) => {
    const told = { onDown, onUp() {}, onTrouble() {}, onForeign() {}, wrap: (data: Uint8Array) => data };
    const host = { node: 'a', histories: [], boundsOf: () => undefined, ...told };
    void new NatsServerPort({ connection: connection as never }).connect(host);
  });
  expect(reason).toBe('the connection to it is lost');
});

test('a broker that was made is for the option broker; a file of credentials is told to what makes it', async () => {
  const broker = natsBroker({ servers: ['127.0.0.1:1', 'nats://ann:s3cret@127.0.0.1:2'] });
  expect(resolveOptions({ broker }).broker).toBe(broker);
  const starting = createHub({ port: 0, workers: 0, broker });
  await expect(starting).rejects.toMatchObject({
    code: 'ERR_BROKER',
    message: expect.stringMatching(/^the broker nats \(127\.0\.0\.1:1, 127\.0\.0\.1:2\) cannot be used: /),
  });
  const unix = redisBroker({ socket: { path: '/no/such.sock', tls: false } });
  await expect(createHub({ port: 0, workers: 0, broker: unix })).rejects.toMatchObject({
    code: 'ERR_BROKER',
    message: expect.stringContaining('redis (/no/such.sock)'),
  });
  expect(() => resolveOptions({ broker, brokerCredentialsFile: 'x' })).toThrow(/takes a credentialsFile/);
  expect(() => resolveOptions({ broker: { name: 'nats' } as never })).toThrow(/takes .* natsBroker/);
  // A file cannot have one: editors go on to complain of anything else.
  const { properties } = optionsJsonSchema() as { properties: { broker: { anyOf: object[] } } };
  expect(properties.broker.anyOf).toContainEqual({ not: {} });
});
