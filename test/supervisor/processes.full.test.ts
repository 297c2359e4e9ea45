/** Several processes on one port: what crosses between them, and what becomes of it when one of them, or the supervisor, goes. */

import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fetchRaw } from '../support/clients/http-client.js';
import { PublishingPeer, ResumingPeer } from '../support/clients/resuming-peer.js';
import { engineUnderTest } from '../support/engines/under-test.mjs';
import { Command, runCommand } from '../support/processes/command-line.js';
import { Supervised } from '../support/processes/supervised.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { until } from '../support/until.js';

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('topics, users, presence and history are those of all processes; SIGTERM drains all and leaves nothing behind', async () => {
  const hubs = await Supervised.start(3);
  const { engine = 'uws' } = engineUnderTest;
  expect(hubs.started.line).toMatch(new RegExp(`, 3 processes of 1 worker, engine ${engine}\\n$`));
  expect(hubs.left()).toHaveLength(1);
  const clients = [...(await hubs.connectToEach(3)).values()];
  const [first, second, third] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0]];
  for (const client of clients) await client.call('subscribe', 'h:1', {});
  const { offset, epoch } = await first.call<{ offset: number; epoch: string }>('publish', 'h:1', 'hello');
  const text = JSON.stringify({ topic: 'h:1', offset, epoch, data: 'hello' });
  // Who publishes is not sent it.
  await until('the others to have it', () => [second, third].every(({ texts }) => texts.includes(text)));
  await third.call('sendToUser', 'user 1', 'for you');
  await until('it', () => second.texts.includes('for you'));
  const stats = await until('all to be known', async () => {
    const answer = await second.call<{ users: number }>('presenceStats', 'h:1');
    return answer.users === 3 && answer;
  });
  expect(stats).toMatchObject({ users: 3, connections: 3, missingNodes: [] });
  const { publications } = await third.call<{ publications: object[] }>('history', 'h:1');
  expect(publications).toHaveLength(1);
  hubs.command.kill('SIGTERM');
  for (const { client } of clients) expect((await client.closed).code).toBe(1012);
  expect(await hubs.command.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(hubs.left()).toEqual([]);
});

test('a worker, a process and all of them one after the other go under load: who resumes misses nothing', async () => {
  const hubs = await Supervised.start(4);
  const topic = 'h:load';
  const subscribers = Array.from({ length: 6 }, () => new ResumingPeer(() => hubs.connect(), topic));
  for (const subscriber of subscribers) await subscriber.started;
  const publishers = ['a', 'b'].map((name) => new PublishingPeer(() => hubs.connect(), topic, name));
  onTestFinished(() => {
    for (const peer of [...subscribers, ...publishers]) peer.stop();
  });
  const acked = () => publishers.reduce((sum, { acked: all }) => sum + all.length, 0);
  const more = async (count: number) => {
    const goal = acked() + count;
    await until('publications', () => acked() >= goal);
  };
  await more(100);
  // Four workers, each in a process of its own.
  (await hubs.connect()).crash();
  await more(100);
  const before = hubs.pids();
  process.kill(before[1]!, 'SIGKILL');
  await until('another one', () => hubs.pids().length === 4 && !hubs.pids().includes(before[1]!));
  const told = `(pid ${before[1]}) ended by SIGKILL: it is started again in 100 ms`;
  await until('it to be told', () => hubs.command.stderr.includes(told));
  await more(100);
  const old = hubs.pids();
  hubs.command.kill('SIGHUP');
  await until('all to be replaced', () => hubs.command.stderr.includes('4 processes have been replaced'));
  expect(hubs.pids().filter((pid) => old.includes(pid))).toEqual([]);
  await more(100);
  for (const publisher of publishers) await publisher.stop();
  const published = publishers.flatMap(({ acked: all }) => all).sort((a, b) => a.offset - b.offset);
  for (const subscriber of subscribers) {
    await until('the last one', () => subscriber.offsets.at(-1) === published.at(-1)!.offset);
    // Once each, in order, and nothing else.
    expect(subscriber.texts).toEqual(published.map(({ text }) => text));
    expect(subscriber.lost).toBe(0);
  }
  expect(subscribers.some(({ connections }) => connections > 1)).toBe(true);
  hubs.command.kill('SIGTERM');
  expect((await hubs.command.exited).code).toBe(0);
  expect(hubs.left()).toEqual([]);
});

test('without its supervisor each process serves on, alone, says so, and ends when it is told to', async () => {
  const hubs = await Supervised.start(2);
  const clients = await hubs.connectToEach(2);
  onTestFinished(() => {
    for (const pid of clients.keys()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  process.kill(hubs.pid, 'SIGKILL');
  await until(
    'both to say so',
    () => hubs.command.stderr.match(/^shardhub\[\d\]: the supervisor is gone/gm)?.length === 2,
  );
  expect(hubs.left()).toEqual([]);
  for (const client of clients.values()) {
    await client.call('subscribe', 'plain');
    await client.callOnWorker('publish', 'plain', 'here');
    await expect(client.call('publish', 'h:1', 'x')).rejects.toMatchObject({
      code: 'ERR_BROKER_UNAVAILABLE',
    });
    await until('it', () => client.texts.length > 0);
    expect(client.texts).toEqual(['here']);
  }
  const { status, body } = await fetchRaw(`${hubs.started.url}/readyz`);
  expect([status, body.toString()]).toEqual([
    200,
    'ready, but the broker relay is down: the supervisor is gone: this process serves alone\n',
  ]);
  for (const [pid, { client }] of clients) {
    process.kill(pid, 'SIGTERM');
    expect((await client.closed).code).toBe(1012);
    await until('its end', () => !isAlive(pid));
  }
});

test('a second SIGTERM shortens the drain of all', async () => {
  const hubs = await Supervised.start(2, '--drain-timeout-ms=3600000', '--drain-per-second=1');
  const clients = await Promise.all(Array.from({ length: 20 }, () => hubs.connect()));
  hubs.command.kill('SIGTERM');
  await Promise.race(clients.map(({ client }) => client.closed));
  hubs.command.kill('SIGTERM');
  for (const { client } of clients) expect([1012, 1006]).toContain((await client.closed).code);
  await hubs.command.exited;
  await until('nothing to be left', () => hubs.left().length === 0);
});

test('a signal during the start ends all', async () => {
  const folder = temporaryFolder();
  const handler = new URL('../fixtures/never-loads.mjs', import.meta.url).href;
  const args = ['serve', '--port=0', '--workers=1', '--processes=2', `--handler=${handler}`];
  const command = new Command(args, { env: { TMPDIR: folder } });
  const children = `/proc/${command.child.pid}/task/${command.child.pid}/children`;
  await until('the first one', () => readFileSync(children, 'latin1') !== '');
  command.kill('SIGTERM');
  expect(await command.exited).toMatchObject({ code: 0, stdout: '' });
  expect(readdirSync(folder)).toEqual([]);
});

test('what is wrong is said once, and ends all', async () => {
  const serve = (...args: string[]) => runCommand(['serve', '--port=0', '--workers=1', ...args]);
  const failing = new URL('../fixtures/throws-at-load.mjs', import.meta.url).href;
  const broken = await serve('--processes=3', `--handler=${failing}`);
  expect(broken).toMatchObject({ code: 1, stdout: '' });
  expect(broken.stderr).toMatch(/^shardhub\[0\]: [^\n]*throws-at-load[^\n]*\n$/);
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await until('the port', () => taken.address());
  const { port } = taken.address() as AddressInfo;
  const outcomes = await Promise.all([
    serve('--processes=2', '--unix-socket=/tmp/x.sock'),
    serve('--processes=2', '--inspect-workers'),
    serve('--processes=2', '--no-console', `--admin-listen=127.0.0.1:${port}`),
    serve('--processes=0'),
    runCommand(['serve', `--port=${port}`, '--processes=2']),
  ]);
  expect(outcomes.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual([
    '2 shardhub: option "processes": a Unix socket cannot be shared: leave out unixSocket\n',
    '2 shardhub: option "processes": ports of inspectors cannot be shared: give 0, which picks free ones\n',
    expect.stringMatching(
      /^1 shardhub: cannot listen on 127\.0\.0\.1:\d+ for administrators: .*EADDRINUSE.*\n$/,
    ),
    '2 shardhub: --processes got "0" but takes an integer from 1 to 64 (processes), or auto\n',
    `1 shardhub: cannot listen on 127.0.0.1:${port}: it is in use\n`,
  ]);
});

test('a configuration that is no good replaces nobody; another number of processes is taken', async () => {
  const hubs = await Supervised.start(2);
  const config = readFileSync(hubs.config, 'utf8');
  const pids = hubs.pids();
  writeFileSync(hubs.config, config.replace('topics:', 'no: 1, topics:'));
  hubs.command.kill('SIGHUP');
  await until('a complaint', () => hubs.command.stderr.includes('unknown option "no"'));
  writeFileSync(hubs.config, config.replace(/handler: .*/, "handler: './missing.mjs',"));
  hubs.command.kill('SIGHUP');
  await until('a complaint', () => hubs.command.stderr.includes('process 0 could not be replaced'));
  expect(hubs.pids()).toEqual(pids);
  writeFileSync(hubs.config, config);
  process.kill(hubs.pid, 'SIGUSR2');
  await until('both to reload', () => hubs.command.stderr.match(/generation 2 runs/g)?.length === 2);
  hubs.command.kill('SIGHUP');
  await until('all to be replaced', () => hubs.command.stderr.includes('2 processes have been replaced'));
  expect(hubs.pids()).toHaveLength(2);
});

test('systemd is told by the supervisor alone', async () => {
  const folder = temporaryFolder();
  const told = join(folder, 'told');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >> ${told}\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: `${folder}:${process.env.PATH}`, TMPDIR: folder };
  const command = new Command(['serve', '--port=0', '--workers=1', '--processes=2'], { env });
  await command.started();
  command.kill('SIGTERM');
  await command.exited;
  const lines = await until('all of it', () => {
    const all = readFileSync(told, 'utf8').trim().split('\n');
    return all.length === 2 ? all : undefined;
  });
  expect(lines.sort()).toEqual([
    expect.stringMatching(/^--ready --status=ws:.*, 2 processes$/),
    'STOPPING=1',
  ]);
});
