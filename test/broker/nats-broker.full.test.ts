/** NATS behind the port: the contract on a real server, and what happens when it goes away. */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, nkeys } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encodeMessage } from '../../src/broker/codec.js';
import { makeNatsBroker } from '../../src/broker/make-broker.js';
import { BOUNDS, describeBroker, freshTopic, message, Node } from '../support/broker/contract.js';
import { engineOf, makeOf, startServer, testRemote, tlsFile } from '../support/broker/remote.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { makeOperator } from '../support/servers/nats-jwt.js';
import { hasNatsServer, NatsServer } from '../support/servers/nats-server.js';
import { until } from '../support/until.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

const user = nkeys.createUser();
const seed = Buffer.from(user.getSeed()).toString();
const operator = makeOperator();
const remote = {
  make: makeOf,
  serve: (config?: string) => NatsServer.start(config),
  credentials: [
    ['user and password', 'authorization { user: ann, password: "s3cret:x" }', 'ann:s3cret:x'],
    ['a token', 'authorization { token: "s3cret" }', 's3cret'],
    ['an NKEY', `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`, seed],
    ['a JWT with its seed', operator.config, operator.creds],
  ],
  tls: `tls { cert_file: "${tlsFile('cert')}", key_file: "${tlsFile('key')}", ca_file: "${tlsFile('client-ca')}", verify: true }`,
  tlsUrl: (url: string) => url.replace('nats:', 'tls:'),
} as const;
const start = (config?: string) => startServer(NatsServer.start(config));

describe.skipIf(!hasNatsServer)('NATS', () => {
  describeBroker('nats', async () => engineOf(remote, await NatsServer.start()));
  testRemote<string>('nats', remote);

  test('credentials that are replaced while it runs are taken, however often the old ones were refused, or were there in half', async () => {
    const of = (password: string) => `authorization { user: ann, password: "${password}" }`;
    const server = await start(of('old'));
    const credentialsFile = join(temporaryFolder(), 'credentials');
    writeFileSync(credentialsFile, 'ann:old');
    const node = await Node.start(engineOf(remote, server, { credentialsFile }));
    await server.kill();
    server.config = of('new');
    writeFileSync(credentialsFile, '-----BEGIN NATS USER JWT-----\n');
    await server.start();
    await until('it to be refused', () => (server.log().match(/authentication error/g) ?? []).length > 2);
    expect(node.states.at(-1)!.state).toBe('down');
    writeFileSync(credentialsFile, 'ann:new');
    await until('it to be back', () => node.resumed > 0);
    await node.append('t', 'x');
  });

  test('what is given as undefined turns off no TLS, and drops no login', async () => {
    const server = await start('authorization { user: ann, password: "s3cret" }');
    const connect = (scheme: string, more: object) => () =>
      makeNatsBroker({ servers: server.url.replace('nats://', `${scheme}://ann:s3cret@`), ...more });
    const close = async () => {};
    await Node.start({ connect: connect('nats', { authenticator: undefined, tls: undefined }), close });
    await expect(Node.start({ connect: connect('tls', { tls: undefined }), close })).rejects.toMatchObject({
      code: 'ERR_BROKER',
    });
  });

  test('several servers: one is killed, and the others go on, with all that was kept where there are copies', async () => {
    // None that the system gives to others.
    const ports = ['a', 'b', 'c'].map(() => randomInt(20_000, 30_000));
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
    const servers = await Promise.all(
      ports.map((port, i) =>
        start(`server_name: s${i}\ncluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }`),
      ),
    );
    const settings = { servers: servers.map(({ url }) => url), noRandomize: true, replicas: 3 };
    const connect = () => makeNatsBroker(settings);
    const [node, other] = [
      await Node.start({ connect, close: async () => {} }),
      await Node.start({ connect, close: async () => {} }),
    ];
    // Before they have chosen a leader, there is no JetStream; while they choose one, it may not answer.
    const append = (text: string) =>
      until('an answer', () => node.append('t', text, BOUNDS, text).catch(() => undefined));
    const before = await append('before');
    for (const bounds of [BOUNDS, undefined]) await other.broker.follow('t', bounds);
    await servers[0]!.kill();
    await until('both to be on another one', () => node.resumed > 0 && other.resumed > 0);
    const after = await append('after');
    expect(after.epoch).toBe(before.epoch);
    await until('what is followed to come again', () => other.texts('t').includes('after'));
    const read = () => other.read('t', before).catch(() => undefined);
    expect(await until('an answer', read)).toMatchObject({ texts: ['after'], reachesBack: true });
    await until('plain ones', () => node.broker.publish('t', message('plain')) && other.messages.length > 0);
  });

  test('a history that was deleted is made anew, and is another epoch', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server));
    const topic = freshTopic();
    await node.broker.follow(topic, BOUNDS);
    for (const text of ['a', 'b']) await node.append(topic, text);
    const before = (await node.read(topic)).position;
    const connection = await connect({ servers: server.url });
    onTestFinished(() => connection.close());
    await connection.request('$JS.API.STREAM.DELETE.sh-1-100-60000', '');
    const after = await node.append(topic, 'anew');
    expect(after.epoch).not.toBe(before.epoch);
    expect(await node.read(topic, before)).toMatchObject({ reachesBack: false, position: after });
    await until('it', () => node.texts(topic).includes('anew'));
    expect(node.publications.at(-1)).toMatchObject({ epoch: after.epoch, previous: 0 });
  });

  test('a history that is full refuses, and says so; a publication that is too large is told both numbers', async () => {
    const server = await start('max_payload: 65536');
    const node = await Node.start(engineOf(remote, server));
    const large = node.broker.append('t', { data: Buffer.alloc(70_000), isBinary: true }, BOUNDS, undefined);
    await expect(large).rejects.toMatchObject({
      code: 'ERR_TOPIC_PAYLOAD',
      message: expect.stringMatching(/takes 7\d{4} bytes but the broker nats takes at most 65536/),
    });
    expect(node.broker.publish('t', { data: Buffer.alloc(70_000), isBinary: true })).toBe('too-large');
    const full = await start('');
    const limited = await Node.start(engineOf(remote, full));
    await limited.append('t', 'x');
    const connection = await connect({ servers: full.url });
    onTestFinished(() => connection.close());
    const info = (await connection.request('$JS.API.STREAM.INFO.sh-1-100-60000', '')).json<{
      config: object;
    }>();
    const config = JSON.stringify({ ...info.config, max_bytes: 1000, discard: 'new' });
    const answer = (await connection.request('$JS.API.STREAM.UPDATE.sh-1-100-60000', config)).json<{
      error?: object;
    }>();
    expect(answer.error).toBeUndefined();
    const refused = limited.append('t', 'x'.repeat(2000));
    await expect(refused).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    expect(limited.states.at(-1)).toMatchObject({
      state: 'degraded',
      reason: expect.stringMatching(/maximum bytes/),
    });
    await limited.append('t', 'x');
    expect(limited.states.at(-1)!.state).toBe('up');
  });

  test('what is foreign, or of another version, is dropped and counted', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server));
    await node.broker.follow('t', undefined);
    await node.broker.follow('t', BOUNDS);
    const connection = await connect({ servers: server.url });
    onTestFinished(() => connection.close());
    const newer = encodeMessage('x', message('x'));
    newer[2] = 99;
    for (const subject of ['sh.1.p.t', 'sh.1.l.100-60000.t']) {
      for (const data of ['hello', '', newer]) connection.publish(subject, data);
      connection.publish(subject, encodeMessage('x', message('mine')));
    }
    await until('all', () => node.broker.stats().foreign === 7 && node.messages.length === 1);
    expect(node.messages).toEqual([{ topic: 't', text: 'mine' }]);
    expect(node.publications).toEqual([]);
  });

  test('with raw, what other programs publish reaches topics as it is, with and without history', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server, { raw: true }));
    for (const bounds of [undefined, BOUNDS]) await node.broker.follow('chat:7', bounds);
    const connection = await connect({ servers: server.url });
    onTestFinished(() => connection.close());
    connection.publish('sh.1.p.chat%3A7', 'plain');
    const { seq } = (await connection.request('sh.1.h.100-60000.chat%3A7', 'kept')).json<{ seq: number }>();
    await until('both', () => node.messages.length + node.publications.length === 2);
    expect(node.messages).toEqual([{ topic: 'chat:7', text: 'plain' }]);
    expect(node.publications[0]).toMatchObject({ offset: seq, previous: 0 });
    expect(node.texts('chat:7')).toEqual(['kept']);
    expect((await node.read('chat:7')).texts).toEqual(['kept']);
  });
});
