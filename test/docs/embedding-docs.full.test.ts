/** docs/embedding.md: every sample is run, on a hub of its own, and every event is told. */

import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { createHub, type Hub } from 'shardhub';
import { expect, test } from 'vitest';
import { HUB_EVENTS } from '../../src/api/events.js';
import { WsClient } from '../support/clients/ws-client.js';
import { startHub } from '../support/servers/hubs.js';

const PAGE = readFileSync(new URL('../../docs/embedding.md', import.meta.url), 'utf8');
const SAMPLES = new Map(
  [...PAGE.matchAll(/```ts\n\/\/ (\w+)\n([\s\S]*?)```/g)].map(([, name, code]) => [name!, code!]),
);

/** Runs a sample; a hub that it makes is its `hub`, and the test's to close. */
async function runSample(name: string, given?: Hub): Promise<{ hub: Hub; lines: unknown[][] }> {
  const code = SAMPLES.get(name)!.replaceAll(/^import .*$/gm, '');
  const lines: unknown[][] = [];
  const console = { log: (...values: unknown[]) => lines.push(values) };
  const AsyncFunction = (async () => {}).constructor as new (
    ...text: string[]
  ) => (...values: unknown[]) => Promise<Hub>;
  const makesHub = code.includes('const hub');
  const run = new AsyncFunction(
    'createHub',
    'subscribe',
    'console',
    ...(makesHub ? [] : ['hub']),
    `${code}; return hub;`,
  );
  const hub = await run(createHub, subscribe, console, given);
  return { hub, lines };
}

test('all samples are known here', () => {
  expect([...SAMPLES.keys()]).toEqual(['hub', 'connections', 'routes', 'affinity', 'http', 'events']);
  expect(PAGE.match(/```ts/g)).toHaveLength(SAMPLES.size);
});

test('hub', async () => {
  const { hub, lines } = await runSample('hub');
  expect(lines).toEqual([[hub.wsUrl, hub.url, hub.port, 'running']]);
  expect(hub.state).toBe('stopped');
});

test('connections', async () => {
  const { hub } = await startHub({ upgrade: () => ({ data: { userId: 'ann' } }) });
  const early = await WsClient.connect(hub.wsUrl);
  await runSample('connections', hub);
  expect(await early.collectTexts(2)).toEqual(['to everybody', 'to every connection with data.userId "ann"']);
  const late = await WsClient.connect(hub.wsUrl);
  expect(await late.nextText()).toBe('hello 127.0.0.1');
  expect(hub.topics()).toEqual(new Map([['news', 1]]));
});

test.each(['routes', 'affinity'])('%s', async (name) => {
  const { hub } = await runSample(name);
  try {
    const client = await WsClient.connect(hub.wsUrl);
    expect(JSON.parse(await client.nextText())).toMatchObject({ type: 'welcome' });
    if (name === 'routes')
      await expect(WsClient.connect(`${hub.wsUrl.replace('/chat', '/prices')}`)).rejects.toThrow(/401/);
  } finally {
    await hub.close();
  }
});

test('http', async () => {
  const { hub } = await startHub();
  await runSample('http', hub);
  expect(await (await fetch(`${hub.url}/hello`)).json()).toEqual({ hello: '127.0.0.1' });
  expect(await (await fetch(`${hub.url}/publish`, { method: 'POST', body: 'x' })).text()).toBe('0');
  expect((await fetch(`${hub.url}/other`)).status).toBe(404);
});

test('events', async () => {
  const { hub } = await startHub();
  const { lines } = await runSample('events', hub);
  const client = await WsClient.connect(hub.wsUrl);
  const [{ id }] = [...hub.connections()] as { id: string }[] as [{ id: string }];
  hub.get(id)!.close(1000, 'bye');
  await client.closed;
  expect(lines).toEqual([[id, 1000, 'bye']]);
});

test('every event is told', () => {
  const [, section = ''] = /\n## What happens\n(.*?)\n## /s.exec(PAGE) ?? [];
  const told = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(
    ([, cell]) => cell!.match(/\w+/g)!,
  );
  expect(told.sort()).toEqual([...HUB_EVENTS].sort());
});
