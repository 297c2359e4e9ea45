/** NATS behind the port: the contract on a real server, and what happens when it goes away. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, nkeys } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MAX_WAITING_BYTES } from '../../src/broker/broker.js';
import { encodeMessage } from '../../src/broker/codec.js';
import { NatsBroker } from '../../src/broker/nats/nats-broker.js';
import type { BrokerAccess } from '../../src/broker/settings.js';
import { BOUNDS, describeBroker, freshTopic, message, Node } from '../support/broker/contract.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { hasNatsServer, NatsServer } from '../support/servers/nats-server.js';
import { until } from '../support/until.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

const engineOf = (server: NatsServer, more: Partial<BrokerAccess> = {}) => ({
  connect: () => new NatsBroker({ url: server.url, ...more }, []),
  close: () => server.stop(),
});

async function startServer(config?: string): Promise<NatsServer> {
  const server = await NatsServer.start(config);
  onTestFinished(() => server.stop());
  return server;
}

describe.skipIf(!hasNatsServer)('NATS', () => {
  describeBroker('nats', async () => engineOf(await NatsServer.start()));

  test('a server that is killed and comes back: nobody is asked to wait, and what was kept is there', async () => {
    const server = await startServer();
    const [publisher, follower] = [await Node.start(engineOf(server)), await Node.start(engineOf(server))];
    const topic = freshTopic();
    await follower.broker.follow(topic, BOUNDS);
    const before = await publisher.append(topic, 'before');
    await until('it', () => follower.texts(topic).length === 1);
    await server.kill();
    await until('the loss to be seen', () => publisher.states.at(-1)!.state === 'down');
    expect(publisher.states.at(-1)!.reason).not.toBe('');
    await expect(publisher.append(topic, 'lost')).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    await expect(publisher.read(topic)).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    expect(publisher.broker.publish(topic, message('lost'))).toBe('away');
    await server.start();
    await until('both to be back', () => publisher.resumed > 0 && follower.resumed > 0);
    expect(publisher.states.at(-1)).toEqual({ state: 'up', reason: '' });
    const after = await publisher.append(topic, 'after');
    expect(after.epoch).toBe(before.epoch);
    await until('what is followed to come again', () => follower.texts(topic).length === 2);
    expect(follower.publications.at(-1)).toMatchObject({ previous: before.offset, offset: after.offset });
    expect(await follower.read(topic, before)).toMatchObject({ texts: ['after'], reachesBack: true });
  });

  test('a history that was deleted is made anew, and is another epoch', async () => {
    const server = await startServer();
    const node = await Node.start(engineOf(server));
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

  test('what waits for a server that stands still is bounded; answers do not wait for ever', async () => {
    const server = await startServer();
    const node = await Node.start(engineOf(server));
    process.kill(server.pid, 'SIGSTOP');
    onTestFinished(() => void process.kill(server.pid, 'SIGCONT'));
    const chunk = { data: Buffer.alloc(1_000_000), isBinary: true };
    const verdicts = Array.from({ length: 40 }, () => node.broker.publish('t', chunk));
    expect(verdicts.filter((verdict) => verdict === 'sent')).toHaveLength(16);
    expect(verdicts.at(-1)).toBe('busy');
    expect(node.broker.stats().waitingBytes).toBeLessThanOrEqual(MAX_WAITING_BYTES);
    const large = node.broker.append('t', chunk, BOUNDS, undefined);
    await expect(large).rejects.toMatchObject({ code: 'ERR_BROKER_BUSY' });
    await expect(node.append('t', 'x')).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    expect(node.states.at(-1)!.state).not.toBe('up');
    process.kill(server.pid, 'SIGCONT');
    await until('all to be sent', () => node.broker.stats().waitingBytes === 0);
    await until('an answer', () =>
      node.append('t', 'x').then(
        () => true,
        () => false,
      ),
    );
    expect(node.states.at(-1)).toEqual({ state: 'up', reason: '' });
  });

  test('a history that is full refuses, and says so; a publication that is too large is told both numbers', async () => {
    const server = await startServer('max_payload: 65536');
    const node = await Node.start(engineOf(server));
    const large = node.broker.append('t', { data: Buffer.alloc(70_000), isBinary: true }, BOUNDS, undefined);
    await expect(large).rejects.toMatchObject({
      code: 'ERR_TOPIC_PAYLOAD',
      message: expect.stringMatching(/takes 7\d{4} bytes but the broker nats takes at most 65536/),
    });
    expect(node.broker.publish('t', { data: Buffer.alloc(70_000), isBinary: true })).toBe('too-large');
    const full = await startServer('');
    const limited = await Node.start(engineOf(full));
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
    const server = await startServer();
    const node = await Node.start(engineOf(server));
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

  const user = nkeys.createUser();
  const seed = Buffer.from(user.getSeed()).toString();
  test.each([
    ['user and password', 'authorization { user: ann, password: "s3cret:x" }', 'ann:s3cret:x'],
    ['a token', 'authorization { token: "s3cret" }', 's3cret'],
    ['an NKEY', `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`, seed],
  ])(
    '%s from a file; without it the hub does not start, and no secret is told',
    async (_, config, secret) => {
      const server = await startServer(config);
      const folder = temporaryFolder();
      const credentialsFile = join(folder, 'credentials');
      writeFileSync(credentialsFile, `${secret}\n`);
      const node = await Node.start(engineOf(server, { credentialsFile }));
      expect(node.states.at(-1)!.state).toBe('up');
      writeFileSync(credentialsFile, 'wr0ng:wr0ng');
      const error = await Node.start(engineOf(server, { credentialsFile })).then(
        () => undefined,
        (thrown) => thrown,
      );
      expect(error).toMatchObject({
        code: 'ERR_BROKER',
        message: expect.stringContaining(`127.0.0.1:${server.port}`),
      });
      expect(error.message).not.toMatch(/wr0ng|s3cret/);
    },
  );
});

test('a server that is not there is named', async () => {
  const node = Node.start({
    connect: () => new NatsBroker({ url: 'nats://ann:s3cret@127.0.0.1:1' }, []),
    close: async () => {},
  });
  const error = await node.catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_BROKER', message: expect.stringContaining('127.0.0.1:1') });
  expect(error.message).not.toContain('s3cret');
});
