/** The admin listener: what it shows, what it changes, and who may. */
import { statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createHub, type HubOptions } from 'shardhub';
import { expect, onTestFinished, test } from 'vitest';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { temporaryFolder } from '../../support/processes/temporary-folder.js';
import { fixture, type LogLine, recordingLogger, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const ADMIN_TOKEN = 'the-token-of-the-admin';
const STATS_TOKEN = 'the-token-of-a-scraper';

async function startAdmin(options: HubOptions = {}) {
  const started = await startHub({ adminListen: '127.0.0.1:0', adminToken: ADMIN_TOKEN, ...options });
  const ask = async (path: string, body?: object, token = ADMIN_TOKEN) => {
    const response = await fetch(`${started.hub.adminUrl}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  };
  return { ...started, ask };
}

test('connections are listed with filters, in pages, the heaviest first; and one with its queues', async () => {
  const { hub, ask } = await startAdmin({
    handler: fixture('topics.mjs'),
    upgrade: ({ query }) => ({ data: { userId: query } }),
  });
  const [ann, bob] = [await WsClient.connect(`${hub.wsUrl}?ann`), await WsClient.connect(`${hub.wsUrl}?bob`)];
  await WsClient.connect(`${hub.wsUrl}?ann`);
  for (const connection of hub.connections({ userId: 'bob' })) connection.subscribe('news');
  const all = (await ask('/connections')).body;
  expect(all.total).toBe(3);
  expect(all.connections.map(({ user }: { user: string }) => user)).toEqual(['ann', 'bob', 'ann']);
  expect(all.connections[0]).toMatchObject({ route: '/ws', state: 'open', inFlight: 0, bufferedBytes: 0 });
  // No query: it may have a token in it.
  expect(JSON.stringify(all)).not.toContain('?');
  expect((await ask('/connections?user=ann')).body.total).toBe(2);
  expect((await ask('/connections?topic=news')).body.connections).toMatchObject([{ user: 'bob', topics: 1 }]);
  expect((await ask('/connections?minAgeSeconds=3600')).body.total).toBe(0);
  const first = (await ask('/connections?limit=2')).body;
  const second = (await ask(`/connections?limit=2&after=${first.next}`)).body;
  expect([first.connections.length, second.connections.length, second.next]).toEqual([2, 1, undefined]);
  const { id } = (await ask('/connections?sort=age&limit=1')).body.connections[0];
  expect(id).toBe(all.connections[0].id);
  expect((await ask(`/connections/${all.connections[1].id}`)).body).toMatchObject({
    topics: ['news'],
    inbound: { atWorker: 0, waiting: 0 },
    outbound: { queuedMessages: 0, queuedBytes: 0, engineBytes: 0 },
  });
  expect((await ask('/connections/none')).status).toBe(404);
  expect([ann.waiting, bob.waiting]).toEqual([0, 0]);
});

test('what it changes is done, and logged with who asked but not with what was sent', async () => {
  const { hub, log, ask } = await startAdmin();
  const [one, two, three] = await connectMany(hub.wsUrl, 3);
  const [first] = [...hub.connections()];
  first!.subscribe('news');
  expect((await ask('/publish', { topic: 'news', data: 'secret' })).body).toEqual({ queued: 1 });
  expect((await ask('/broadcast', { base64: 'AQI=' })).body).toEqual({ queued: 3 });
  expect(await one!.nextText()).toBe('secret');
  expect(await two!.next()).toEqual({ data: Buffer.of(1, 2), isBinary: true });
  const disconnected = await ask('/disconnect', { id: first!.id, code: 4001, reason: 'enough' });
  expect(disconnected.body).toEqual({ closed: 1 });
  expect(await one!.closed).toEqual({ code: 4001, reason: 'enough' });
  expect((await ask('/disconnect', {})).body.error).toContain('all got undefined');
  expect((await ask('/disconnect', { all: true })).body).toEqual({ closed: 2 });
  expect((await three!.closed).code).toBe(1000);
  const told = log.filter(({ message }) => message.startsWith('an administrator asked for'));
  expect(told.map(({ message }) => message.split(' ').at(-1))).toEqual([
    ...['publish', 'broadcast', 'disconnect', 'disconnect'],
  ]);
  expect(told[0]!.details).toMatchObject({ asked: { topic: 'news', length: 6 }, from: '127.0.0.1' });
  expect(JSON.stringify(told)).not.toContain('secret');
});

test.each<[string, object | undefined, string]>([
  ['/connections?usr=x', undefined, 'there is no field "usr"'],
  ['/connections?limit=0', undefined, 'limit got "0" but takes an integer from 1 to 1000'],
  ['/connections?sort=weight', undefined, 'sort got "weight" but takes age'],
  ['/publish', { data: 'x' }, 'topic got undefined but takes a text, and is needed'],
  ['/publish', { topic: '', data: 'x' }, 'topic'],
  ['/disconnect', { id: 'x', code: 1005 }, '1005'],
  ['/log-level', { level: 'loud' }, 'level got "loud" but takes fatal'],
])('a mistake is told: %s %o', async (path, body, error) => {
  const { ask } = await startAdmin({ workers: 1 });
  const answer = await ask(path, body);
  expect(answer.status).toBe(400);
  expect(answer.body.error).toContain(error);
});

test('the token of the statistics opens what reads, that of the admin everything, and without one there is nothing', async () => {
  const { hub, ask } = await startAdmin({ statsToken: STATS_TOKEN });
  const statusOf = async (token: string) => [
    (await ask('/metrics', undefined, token)).status,
    (await ask('/connections', undefined, token)).status,
    (await ask('/broadcast', { data: 'x' }, token)).status,
  ];
  expect(await statusOf(ADMIN_TOKEN)).toEqual([200, 200, 200]);
  expect(await statusOf(STATS_TOKEN)).toEqual([200, 200, 401]);
  expect(await statusOf('something-else-altogether')).toEqual([401, 401, 401]);
  expect((await fetch(`${hub.adminUrl}/stats`)).status).toBe(401);
  const open = await startHub({ adminListen: '127.0.0.1:0', workers: 0 });
  expect((await fetch(`${open.hub.adminUrl}/stats`)).status).toBe(200);
  const change = await fetch(`${open.hub.adminUrl}/drain`, { method: 'POST' });
  expect([change.status, await change.text()]).toEqual([403, expect.stringContaining('adminToken')]);
  expect(open.hub.state).toBe('running');
});

test('a Unix socket is its owner’s alone, and needs no token', async () => {
  const path = join(temporaryFolder(), 'admin.sock');
  const { hub } = await startHub({ adminListen: path, workers: 0 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(hub.adminUrl).toBe(`unix:${path}`);
  const status = await new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: '/drain', method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject).end('{"timeoutMs": 1000}');
  });
  expect(status).toBe(200);
  await until('the end', () => hub.state === 'stopped');
  await expect(createHub({ port: 0, workers: 0, adminListen: join(path, 'below') })).rejects.toMatchObject({
    code: 'ERR_LISTEN',
  });
});

test('the level of the log changes while it runs', async () => {
  const log: LogLine[] = [];
  const logger = {
    ...recordingLogger(log),
    level: 'warn',
    isLevelEnabled(level: string) {
      return level !== 'debug' || this.level === 'debug';
    },
  };
  const { hub, ask } = await startAdmin({ logger });
  expect((await ask('/log-level')).body).toEqual({ level: 'warn' });
  await (await WsClient.connect(hub.wsUrl)).close();
  await until('its end', () => hub.stats().connections.open === 0);
  expect((await ask('/log-level', { level: 'debug' })).body).toEqual({ level: 'debug' });
  await (await WsClient.connect(hub.wsUrl)).close();
  await until('a line', () => log.some(({ message }) => message === 'a connection closed'));
  expect(log.filter(({ message }) => message === 'a connection closed').length).toBe(1);
});

test('it profiles the I/O thread, and a worker that does not come back to its event loop', async () => {
  const { hub, ask } = await startAdmin({ handler: 'burn:10000000', handlerTimeoutMs: 0, workers: 2 });
  const filesOf = async (body: object) => {
    const { nodes } = (await ask('/profile', { seconds: 1, ...body })).body;
    return nodes.map(({ callFrame }: { callFrame: { url: string } }) => callFrame.url).join();
  };
  (await WsClient.connect(hub.wsUrl)).send('x');
  await until('the hook', () => hub.stats().messages.inFlight === 1);
  const busy = hub.stats().shards.find(({ inFlight }) => inFlight > 0)!.shard;
  expect(await filesOf({ shard: busy })).toContain('workers/runtime.js');
  expect(await filesOf({})).not.toContain('workers/runtime.js');
  const refused = await ask('/profile', { shard: 7 });
  expect([refused.status, refused.body.error]).toEqual([400, expect.stringContaining('shard got 7')]);
});

test('who is subscribed to a topic is told, where it has presence', async () => {
  const { hub, ask } = await startAdmin({
    topics: { news: { presence: true } },
    upgrade: ({ query }) => ({ data: { userId: query } }),
  });
  await WsClient.connect(`${hub.wsUrl}?ann`);
  for (const connection of hub.connections()) connection.subscribe('news');
  await until('her', async () => (await ask('/presence?topic=news')).body.members?.length === 1);
  expect((await ask('/presence?topic=news')).body).toMatchObject({
    members: [{ userId: 'ann' }],
    missingNodes: [],
  });
  expect((await ask('/presence?topic=weather')).status).toBe(400);
});

test('it drains the hub, says so, and is there until the end', async () => {
  const { hub, ask } = await startAdmin({ drainDelayMs: 1_000_000, drainTimeoutMs: 3_000_000 });
  const client = await WsClient.connect(hub.wsUrl);
  expect((await ask('/readyz')).status).toBe(200);
  await ask('/drain', {});
  expect(await ask('/readyz')).toEqual({ status: 503, body: 'draining\n' });
  expect((await ask('/metrics')).body).toContain('shardhub_draining 1\n');
  await ask('/drain', { timeoutMs: 20_000 });
  expect((await client.closed).code).toBe(1012);
  await until('the end', () => hub.state === 'stopped');
  await expect(fetch(`${hub.adminUrl}/stats`)).rejects.toThrow();
  onTestFinished(() => hub.close());
});

test('it reloads the handlers and changes the number of workers, and says what runs', async () => {
  const { hub, ask } = await startAdmin({ handler: 'echo', workers: 2 });
  expect((await ask('/reload', {})).body).toMatchObject({ generation: 2 });
  expect((await ask('/reload', { handler: 'done', canary: 1, canaryMs: 1 })).body).toMatchObject({
    generation: 3,
  });
  const loaded = { generation: 3, handler: 'done', loadedAt: expect.any(String) };
  expect((await ask('/handlers')).body).toEqual({ shards: [0, 1].map((shard) => ({ shard, ...loaded })) });
  expect((await ask('/resize', { workers: 3 })).body).toMatchObject({ generation: 4 });
  expect(hub.stats()).toMatchObject({ workers: 3, handler: 'done' });
  const refused = await ask('/reload', { handler: './nowhere.mjs' });
  expect([refused.status, refused.body.error]).toEqual([400, expect.stringContaining('nowhere.mjs')]);
  expect((await ask('/resize', {})).status).toBe(400);
});
