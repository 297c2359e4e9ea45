/** What `/metrics` says: the names of the code and of the docs, and figures that fit what happened. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { METRICS } from '../../src/telemetry/metrics-names.js';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

/** Every sample of a page, by what stands before its value. */
async function scrape(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test('docs/metrics.md has a row for each metric: name, type, labels and what it says', () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `(shardhub|process)_/.test(line));
  const expected = Object.entries(METRICS).map(([name, [type, help, ...labels]]) => {
    const list = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${list} | ${help} |`;
  });
  expect(rows).toEqual(expected);
});

test('every metric is on the page, with its type, and nothing else is', async () => {
  const { hub } = await startHub();
  const client = await WsClient.connect(hub.wsUrl);
  await client.ask('hello');
  await client.close();
  await until('the close', () => hub.stats().connections.open === 0);
  const response = await fetch(`${hub.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
  // What Linux alone tells is left out elsewhere.
  const linux = ['shardhub_thread_cpu_seconds_total', 'process_open_fds', 'process_max_fds'];
  const due = Object.entries(METRICS)
    .filter(([name]) => process.platform === 'linux' || !linux.includes(name))
    .map(([name, [type]]) => [name, type]);
  expect(types.sort()).toEqual(due.sort());
  expect(hub.metrics()).toContain('shardhub_connections_opened_total 1\n');
});

test.each([2, 0])('counts what happened, workers: %i', async (workers) => {
  const { hub } = await startHub({ workers, handler: fixture('order.mjs'), maxInFlight: 4 });
  const [client, other] = [await WsClient.connect(hub.wsUrl), await WsClient.connect(hub.wsUrl)];
  for (let i = 0; i < 10; i++) await client.ask(`timer ${i}`);
  for (let i = 0; i < 10; i++) await client.ask(`sync ${i}`);
  for (let i = 0; i < 9; i++) other.send(`timer ${i}`);
  expect((await other.closed).code).toBe(1013);
  await client.close(4000);
  await fetch(`${hub.url}/nothing`);
  await expect(
    WsClient.connect(hub.wsUrl, { headers: { origin: 'https://elsewhere.example' } }),
  ).rejects.toThrow();
  await until('the end', () => hub.stats().messages.inFlight === 0 && hub.stats().connections.open === 0);
  const samples = await scrape(hub.url);
  const of = (name: string) => samples.get(`shardhub_${name}`);
  const { received } = hub.stats().messages;
  expect({
    opened: of('connections_opened_total'),
    byPeer: of('connections_closed_total{code="4000",by="peer"}'),
    byHub: of('connections_closed_total{code="1013",by="hub"}'),
    shed: of('shed_connections_total{reason="in-flight"}'),
    lifetimes: of('connection_duration_seconds_count'),
    origin: of('handshakes_rejected_total{reason="bad-origin"}'),
    nothing: of('requests_rejected_total{reason="not-found"}'),
    notAHandshake: of('handshakes_rejected_total{reason="not-found"}'),
    received: of('messages_received_total'),
    inBatches: of('batch_messages_sum'),
  }).toEqual({
    opened: 2,
    byPeer: 1,
    byHub: 1,
    shed: 1,
    lifetimes: 2,
    origin: 1,
    nothing: 1,
    notAHandshake: 0,
    received,
    inBatches: received,
  });
  const hook = '{route="/ws",hook="message"}';
  // Of those whose connection was shed some never began; cheap ones are counted in eights.
  expect(of(`handler_duration_seconds_count${hook}`)).toBeGreaterThanOrEqual(10);
  // Ten of them waited for a timer of 1 ms or more each.
  expect(of(`handler_duration_seconds_sum${hook}`)).toBeGreaterThan(0.009);
});

test('how long a message waits for a worker that is busy is measured', async () => {
  const { hub } = await startHub({ workers: 1, handler: 'burn:30000' });
  const client = await WsClient.connect(hub.wsUrl);
  const waits = async () => (await scrape(hub.url)).get('shardhub_shard_wait_seconds_sum{shard="0"}') ?? 0;
  await until('a wait', async () => {
    // Each behind another one: the last of a batch waits for the first.
    for (let i = 0; i < 8; i++) client.send('x');
    await client.collect(8);
    return (await waits()) > 0.02;
  });
});

test('event loops are watched from the first scrape on', async () => {
  const { hub } = await startHub();
  await scrape(hub.url);
  await until('a second', async () => {
    const samples = await scrape(hub.url);
    const threads = ['io', 'worker-0', 'worker-1'];
    return threads.every(
      (thread) => samples.get(`shardhub_event_loop_delay_seconds_count{thread="${thread}"}`)! > 0,
    );
  });
});

test('metrics: false counts nothing for it and serves no page, and the token of the statistics guards it', async () => {
  const { hub } = await startHub({ metrics: false });
  expect((await fetch(`${hub.url}/metrics`)).status).toBe(404);
  expect(hub.metrics()).not.toContain('shardhub_handler_duration_seconds');
  const guarded = (await startHub({ statsToken: 'a-secret-of-16-or-more' })).hub;
  expect((await fetch(`${guarded.url}/metrics`)).status).toBe(401);
  const headers = { authorization: 'Bearer a-secret-of-16-or-more' };
  expect((await fetch(`${guarded.url}/metrics`, { headers })).status).toBe(200);
});
