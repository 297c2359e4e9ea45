/** What every broker with a server does when that goes away, stands still, or does not let it in. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type Broker, MAX_WAITING_BYTES } from '../../../src/broker/broker.js';
import { makeBroker } from '../../../src/broker/make-broker.js';
import type { BrokerAccess } from '../../../src/broker/settings.js';
import { withFaults } from '../../../src/testing/faults.js';
import { temporaryFolder } from '../processes/temporary-folder.js';
import type { ServerProgram } from '../servers/server-program.js';
import { until } from '../until.js';
import { BOUNDS, type Engine, freshTopic, message, Node } from './contract.js';

type Server = ServerProgram & { readonly url: string; readonly port: number; start(): Promise<void> };

export interface RemoteEngine<Config> {
  readonly make: (access: BrokerAccess) => Broker;
  readonly serve: (config?: Config) => Promise<Server>;
  /** One that has everything after a restart. */
  readonly durable?: Config;
  /** Servers that ask for a secret, and what a file has to have then. */
  readonly credentials: readonly (readonly [title: string, config: Config, secret: string])[];
  /** One that speaks TLS only, and asks for a certificate. */
  readonly tls: Config;
  readonly tlsUrl: (url: string) => string;
}

export const tlsFile = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));

/** As a hub makes it of its options. */
export const makeOf = ({ credentialsFile, ...broker }: BrokerAccess): Broker =>
  makeBroker({ broker, brokerCredentialsFile: credentialsFile });

export function engineOf<Config>(
  { make }: Pick<RemoteEngine<Config>, 'make'>,
  server: { readonly url: string; stop(): Promise<void> },
  more: Partial<BrokerAccess> = {},
): Engine {
  return { connect: () => make({ url: server.url, ...more }), close: () => server.stop() };
}

/** One that goes when its test is over. */
export async function startServer<S extends { stop(): Promise<void> }>(starting: Promise<S>): Promise<S> {
  const server = await starting;
  onTestFinished(() => server.stop());
  return server;
}

async function failureOf(starting: Promise<Node>): Promise<{ code: string; message: string }> {
  return starting.then(
    () => {
      throw new Error('it has started');
    },
    (error) => error,
  );
}

export function testRemote<Config>(name: string, remote: RemoteEngine<Config>): void {
  const start = async (config?: Config) => startServer(remote.serve(config));

  test('a server that is killed and comes back: nobody is asked to wait, and what was kept is there', async () => {
    const server = await start(remote.durable);
    const engine = engineOf(remote, server);
    const [publisher, follower] = [await Node.start(engine), await Node.start(engine)];
    const [topic, plain] = [freshTopic(), freshTopic()];
    await follower.broker.follow(topic, BOUNDS);
    const before = await publisher.append(topic, 'before');
    await until('it', () => follower.texts(topic).length === 1);
    await server.kill();
    await until('both to see it', () =>
      [publisher, follower].every((one) => one.states.at(-1)!.state === 'down'),
    );
    expect(publisher.states.at(-1)!.reason).not.toBe('');
    await expect(publisher.append(topic, 'lost')).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    await expect(publisher.read(topic)).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    expect(publisher.broker.publish(topic, message('lost'))).toBe('away');
    // Followed as soon as it is back.
    const following = follower.broker.follow(plain, undefined).catch(() => {});
    await server.start();
    await until('both to be back', () => publisher.resumed > 0 && follower.resumed > 0);
    await following;
    expect(publisher.states.at(-1)).toEqual({ state: 'up', reason: '' });
    const after = await publisher.append(topic, 'after');
    expect(after.epoch).toBe(before.epoch);
    await until('what is followed to come again', () => follower.texts(topic).length === 2);
    expect(follower.publications.at(-1)).toMatchObject({ previous: before.offset, offset: after.offset });
    expect(await follower.read(topic, before)).toMatchObject({ texts: ['after'], reachesBack: true });
    publisher.broker.publish(plain, message('plain'));
    await until('the plain one', () => follower.messages.length === 1);
  });

  test('what waits for a server that stands still is bounded; answers do not wait for ever', async () => {
    const server = await start();
    const node = await Node.start(engineOf(remote, server));
    const wake = () => void process.kill(server.pid, 'SIGCONT');
    process.kill(server.pid, 'SIGSTOP');
    onTestFinished(wake);
    const chunk = { data: Buffer.alloc(1_000_000), isBinary: true };
    const verdicts = Array.from({ length: 40 }, () => node.broker.publish('t', chunk));
    expect(verdicts.filter((verdict) => verdict === 'sent')).toHaveLength(16);
    expect(verdicts.at(-1)).toBe('busy');
    expect(node.broker.stats().waitingBytes).toBeLessThanOrEqual(MAX_WAITING_BYTES);
    const large = node.broker.append('t', chunk, BOUNDS, undefined);
    await expect(large).rejects.toMatchObject({ code: 'ERR_BROKER_BUSY' });
    await expect(node.append('t', 'x')).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    expect(node.states.at(-1)!.state).not.toBe('up');
    wake();
    await until('all to be sent, or given up', () => node.broker.stats().waitingBytes === 0);
    await until('an answer', () =>
      node.append('t', 'x').then(
        () => true,
        () => false,
      ),
    );
    expect(node.states.at(-1)).toEqual({ state: 'up', reason: '' });
  });

  test('a partition is noticed on both sides of it; behind it, nothing of a history is missing', async () => {
    const server = await start(remote.durable);
    const way = await withFaults((faults) => faults.linkBroker(server.url));
    onTestFinished(() => way.close());
    const far = { url: way.url, stop: () => Promise.resolve() };
    const [here, there] = [
      await Node.start(engineOf(remote, server)),
      await Node.start(engineOf(remote, far)),
    ];
    const topic = freshTopic();
    await there.broker.follow(topic, BOUNDS);
    const before = await here.append(topic, 'before');
    await until('it', () => there.texts(topic).length === 1);
    way.stall();
    const during = await here.append(topic, 'during');
    await expect(there.append(topic, 'lost', BOUNDS, 'lost')).rejects.toMatchObject({
      code: 'ERR_BROKER_UNAVAILABLE',
    });
    await until('it to be noticed', () => there.states.at(-1)!.state === 'down');
    expect(here.states.at(-1)!.state).toBe('up');
    // What waited is lost, as it is where a network was away for long.
    way.cut();
    way.mend();
    await until('it to be over', () => there.resumed > 0);
    expect(there.states.at(-1)).toEqual({ state: 'up', reason: '' });
    expect(await there.read(topic, before)).toMatchObject({ texts: ['during'], reachesBack: true });
    await there.append(topic, 'after');
    await until('what is followed to come again', () => there.texts(topic).at(-1) === 'after');
    expect(there.publications.at(-1)!.previous).toBe(during.offset);
  });

  test.each(remote.credentials)(
    '%s from a file; without it the hub does not start, and no secret is told',
    async (_, config, secret) => {
      const server = await start(config);
      const credentialsFile = join(temporaryFolder(), 'credentials');
      writeFileSync(credentialsFile, `${secret}\n`);
      const engine = engineOf(remote, server, { credentialsFile });
      const node = await Node.start(engine);
      await node.broker.follow('t', undefined);
      await node.append('t', 'x');
      expect((await node.read('t')).texts).toEqual(['x']);
      writeFileSync(credentialsFile, 'wr0ng:wr0ng');
      const error = await failureOf(Node.start(engine));
      expect(error.code).toBe('ERR_BROKER');
      expect(error.message).toContain(`127.0.0.1:${server.port}`);
      expect(error.message).not.toMatch(/wr0ng|s3cret/);
    },
  );

  test('TLS: who knows the authority and has a certificate gets in, nobody else', async () => {
    const url = remote.tlsUrl((await start(remote.tls)).url);
    const ca = tlsFile('cert');
    const own = { key: tlsFile('client-key'), cert: tlsFile('client-cert') };
    const connect = (tls: object) =>
      Node.start({ connect: () => remote.make({ url, tls }), close: () => Promise.resolve() });
    const node = await connect({ ca, ...own });
    await node.append('t', 'x');
    expect((await node.read('t')).texts).toEqual(['x']);
    for (const tls of [own, { ca }]) expect((await failureOf(connect(tls))).code).toBe('ERR_BROKER');
    const missing = await failureOf(connect({ ca: '/no/such/file.pem' }));
    expect(missing).toMatchObject({
      code: 'ERR_BROKER',
      message: expect.stringContaining('/no/such/file.pem'),
    });
  });

  test('a server that is not there is named, without what gets in', async () => {
    const url = `${name}://ann:s3cret@127.0.0.1:1`;
    const error = await failureOf(Node.start({ connect: () => remote.make({ url }), close: async () => {} }));
    expect(error).toMatchObject({ code: 'ERR_BROKER', message: expect.stringContaining('127.0.0.1:1') });
    expect(error.message).not.toContain('s3cret');
  });
}
