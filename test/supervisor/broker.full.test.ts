/** `--processes` together with `--broker`: each process is a node of the cluster by itself, on a real NATS server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHub, type Position } from 'shardhub';
import { expect, onTestFinished, test } from 'vitest';
import { type ClusterClient, userFromQuery } from '../support/clients/cluster-client.js';
import { Command } from '../support/processes/command-line.js';
import { Supervised } from '../support/processes/supervised.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { fixture } from '../support/servers/hubs.js';
import { hasNatsServer, NatsServer } from '../support/servers/nats-server.js';
import { until } from '../support/until.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

test.skipIf(!hasNatsServer)(
  'two processes and a hub elsewhere are three nodes; what they share outlives a process, and the supervisor',
  async () => {
    const server = await NatsServer.start();
    onTestFinished(() => server.stop());
    const hubs = await Supervised.start(2, `--broker=${server.url}`, '--node-name=here');
    const pids = hubs.pids();
    const elsewhere = await createHub<unknown>({
      port: 0,
      workers: 1,
      handler: fixture('cluster.mjs'),
      upgrade: userFromQuery,
      topics: { 'h:*': { history: { size: 10_000 }, envelope: 'json', presence: true } },
      broker: server.url,
      nodeName: 'elsewhere',
    });
    onTestFinished(() => elsewhere.close({ timeoutMs: 50 }));
    const names = () =>
      elsewhere.cluster
        .nodes()
        .map(({ name }) => name)
        .sort();
    await until('all to know all', () => names().length === 3);
    expect(names()).toEqual(['elsewhere', 'here/0', 'here/1']);

    const clients = await hubs.connectToEach(2);
    const [first, second] = [...clients.values()] as [ClusterClient, ClusterClient];
    for (const client of [first, second]) await client.call('subscribe', 'h:1', {});
    const told = (text: string, { offset, epoch }: Position) =>
      JSON.stringify({ topic: 'h:1', offset, epoch, data: text });
    const position = await elsewhere.publish<Promise<Position>>('h:1', 'from elsewhere');
    const text = told('from elsewhere', position);
    await until('both to have it', () => [first, second].every(({ texts }) => texts.includes(text)));
    await until('all to be known', async () => (await elsewhere.presenceStats('h:1')).connections === 2);

    // Whoever was on the process that is gone goes on with another one.
    const [gone, rest] = [...clients.keys()] as [number, number];
    process.kill(gone, 'SIGKILL');
    await first.client.closed;
    const later = await second.call<Position>('publish', 'h:1', 'while it is away', { toSelf: true });
    const again = await hubs.connect();
    const { offset, epoch } = position;
    const resumed = await again.call('subscribe', 'h:1', { since: { offset, epoch } });
    expect(resumed).toMatchObject({ recovered: true, missed: 1 });
    await until('it', () => again.texts.includes(told('while it is away', later)));
    await until('another process', () => hubs.pids().length === 2 && !hubs.pids().includes(gone));
    await until('another node', () => names().length === 3);

    // The broker is not the supervisor's.
    pids.push(...hubs.pids());
    onTestFinished(() => {
      for (const pid of hubs.pids().concat(pids)) kill(pid);
    });
    hubs.command.kill('SIGKILL');
    // Its processes still have its pipes.
    await until('it to be gone', () => hubs.command.child.signalCode !== null);
    expect(await second.pid()).toBe(rest);
    const last = await second.call<Position>('publish', 'h:1', 'alone', { toSelf: true });
    expect((await elsewhere.history('h:1')).publications.at(-1)).toEqual({
      offset: last.offset,
      data: 'alone',
    });
  },
);

test.skipIf(!hasNatsServer)('a broker that the configuration has made is made in each process', async () => {
  const server = await NatsServer.start('authorization { user: ann, password: "s3cret" }');
  onTestFinished(() => server.stop());
  const config = join(temporaryFolder(), 'config.mjs');
  const entry = import.meta.resolve('shardhub/nats');
  const settings = JSON.stringify({ servers: `127.0.0.1:${server.port}`, user: 'ann', pass: 's3cret' });
  writeFileSync(
    config,
    `import { natsBroker } from ${JSON.stringify(entry)};\nexport default { broker: natsBroker(${settings}) };`,
  );
  const args = [
    'serve',
    '--config',
    config,
    '--port=0',
    '--workers=1',
    '--processes=2',
    '--stats-token=0123456789abcdef',
  ];
  const command = new Command(args, { env: { TMPDIR: temporaryFolder() } });
  const { url } = await command.started();
  const headers = { authorization: 'Bearer 0123456789abcdef' };
  const { cluster } = (await (await fetch(`${url}/stats`, { headers })).json()) as { cluster: object };
  expect(cluster).toMatchObject({ broker: 'nats', state: 'up' });
  command.kill('SIGTERM');
  expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
});

/** One that may be gone. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}
