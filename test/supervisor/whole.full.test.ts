/** Several processes as one: what is scraped, whether they are ready, and what an administrator asks for. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fetchRaw } from '../support/clients/http-client.js';
import { runCommand } from '../support/processes/command-line.js';
import { Supervised } from '../support/processes/supervised.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { until } from '../support/until.js';

async function read(hubs: Supervised, path: string): Promise<string> {
  const { status, body } = await fetchRaw(`${hubs.started.url}${path}`);
  expect(status).toBe(200);
  return body.toString();
}

async function scrape(hubs: Supervised): Promise<(sample: string) => number> {
  const text = await read(hubs, '/metrics');
  return (sample) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')
        .at(-1),
    );
}

test('one scrape shows all, and counts on when a process dies or is replaced', async () => {
  const hubs = await Supervised.start(3);
  const clients = await hubs.connectToEach(3);
  const opened = 'shardhub_connections_opened_total';
  const open = 'shardhub_connections{route="/ws"}';
  // Of one that is killed, what it had last told is known.
  await read(hubs, '/stats');
  const before = await scrape(hubs);
  expect(before(open)).toBe(3);
  const total = before(opened);
  for (let i = 0; i < 3; i++) expect(before(`shardhub_process_up{process="${i}"}`)).toBe(1);
  const [[killed, client]] = [...clients] as [
    [number, typeof clients extends Map<number, infer C> ? C : never],
  ];
  process.kill(killed, 'SIGKILL');
  await client.client.closed;
  await until('another one', async () => (await scrape(hubs))('shardhub_process_restarts_total') === 1);
  await until('it to be up', async () => (await read(hubs, '/readyz')) === 'ready\n');
  const after = await scrape(hubs);
  expect([after(open), after(opened)]).toEqual([2, total]);
  hubs.command.kill('SIGHUP');
  await until('all to be replaced', () => hubs.command.stderr.includes('3 processes have been replaced'));
  const last = await scrape(hubs);
  // What they counted while they drained is there too.
  expect([last(open), last(opened)]).toEqual([0, total]);
  expect(last('shardhub_connections_closed_total{code="1012",by="hub"}')).toBe(2);
  const stats = JSON.parse(await read(hubs, '/stats'));
  expect(stats).toMatchObject({ workers: 3, processRestarts: 1, connections: { open: 0, opened: total } });
  expect(stats.processes.map((one: { process: number; state: string }) => [one.process, one.state])).toEqual([
    [0, 'up'],
    [1, 'up'],
    [2, 'up'],
  ]);
  expect(stats.shards.map(({ process: number }: { process: number }) => number)).toEqual([0, 1, 2]);
});

test('a process that does not answer is named, and keeps nobody waiting', async () => {
  const hubs = await Supervised.start(2);
  const [[stuck], [, other]] = [...(await hubs.connectToEach(2))] as [[number], [number, object]];
  expect(other).toBeDefined();
  process.kill(stuck, 'SIGSTOP');
  try {
    // Which of them takes the connection is the kernel's choice.
    const answer = await until('an answer of the other one', async () => {
      const controller = AbortSignal.timeout(3000);
      const response = await fetch(`${hubs.started.url}/readyz`, { signal: controller }).catch(
        () => undefined,
      );
      return response?.text();
    });
    expect(answer).toMatch(/^ready, but these processes do not serve: \d\n$/);
  } finally {
    process.kill(stuck, 'SIGCONT');
  }
});

test('an administrator sees and changes all at one listener', async () => {
  const socket = join(temporaryFolder(), 'admin.sock');
  const hubs = await Supervised.start(2, `--admin-listen=${socket}`);
  expect(hubs.started.line).toContain(`, admin unix:${socket}\n`);
  const clients = [...(await hubs.connectToEach(2)).values()];
  for (const client of clients) await client.call('subscribe', 'topic');
  const admin = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(['admin', ...args, '--admin', socket, '--json']);
    return code === 0 ? JSON.parse(stdout) : stderr;
  };
  const { total, connections } = await admin('connections');
  expect(total).toBe(2);
  const ids = connections.map(({ id }: { id: string }) => id);
  expect(ids.map((id: string) => id.split(':')[0])).toEqual(['0', '1']);
  const { next, ...page } = await admin('connections', '--limit', '1');
  expect([page.connections.length, next]).toEqual([1, ids[0]]);
  expect((await admin('connections', '--limit', '1', '--after', next)).connections[0].id).toBe(ids[1]);
  expect((await admin('connections', '--sort', 'age')).connections).toHaveLength(2);
  expect((await admin('connection', ids[1])).id).toBe(ids[1]);
  expect(await admin('topics')).toEqual({ topics: [{ topic: 'topic', subscribers: 2 }] });
  await admin('publish', 'topic', 'from the admin');
  await until('both to have it', () => clients.every(({ texts }) => texts.includes('from the admin')));
  expect((await admin('handlers')).shards).toHaveLength(2);
  await admin('log-level', 'info');
  await admin('reload');
  await until('both to reload', () => hubs.command.stderr.match(/generation 2 runs/g)?.length === 2);
  expect(await admin('disconnect', ids[0])).toEqual({ closed: 1 });
  expect(await admin('disconnect', '1.1')).toContain('takes an id with its process, such as 0:17.1');
  expect(await admin('disconnect', '--all')).toEqual({ closed: 1 });
  for (const { client } of clients) expect((await client.closed).code).toBe(1000);
  expect(await admin('drain')).toEqual({ draining: true });
  expect((await hubs.command.exited).code).toBe(0);
});

test('while load balancers are waited for, it is not ready and takes what comes; a second SIGTERM ends the wait', async () => {
  const hubs = await Supervised.start(2, '--drain-delay-ms=1800000', '--drain-timeout-ms=3600000');
  hubs.command.kill('SIGTERM');
  await until('it to say so', async () => {
    const { status, body } = await fetchRaw(`${hubs.started.url}/readyz`);
    return status === 503 && body.toString() === 'draining\n';
  });
  const client = await hubs.connect();
  expect(hubs.pids()).toContain(await client.pid());
  hubs.command.kill('SIGTERM');
  expect([1012, 1006]).toContain((await client.client.closed).code);
  await hubs.command.exited;
});
