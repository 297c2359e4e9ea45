/** Each policy for a full outbound queue: exactly which replies survive, and how the others are counted. */
import type { Hub, HubOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { RawClient } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { counted } from '../../support/counters.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const SIZE = 64 * 1024;
const QUEUE = 8;
const EXTRA = 20;

/** Asks for reply number `label` and waits until the hub has dealt with it. */
async function ask(hub: Hub, client: RawClient, label: number): Promise<void> {
  const { received } = hub.stats().messages;
  client.text(`reply ${label} ${SIZE}`);
  await until(`message ${label} to be done`, () => {
    const { messages } = hub.stats();
    return messages.received === received + 1 && messages.inFlight === 0;
  });
}

/** A hub and a client that does not read, its queue full to the last message; `full` replies were asked for. */
async function fillQueue(options: HubOptions): Promise<{ hub: Hub; client: RawClient; full: number }> {
  const { hub } = await startHub({ handler: fixture('replies.mjs'), ...options });
  const client = await RawClient.open(hub.port);
  client.pause();
  let full = 0;
  while (hub.stats().outbound.queuedMessages < QUEUE) await ask(hub, client, full++);
  expect(hub.stats().outbound).toMatchObject({ queuedMessages: QUEUE, queuedBytes: QUEUE * SIZE });
  expect(counted(hub.stats().dropped)).toEqual({});
  return { hub, client, full };
}

/** The labels of the next `count` replies. */
async function readLabels(client: RawClient, count: number): Promise<number[]> {
  const labels: number[] = [];
  for (let i = 0; i < count; i++)
    labels.push(Number((await client.nextFrame())?.payload.toString('latin1').split(' ')[0]));
  return labels;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe.each<[string, HubOptions]>([
  ['messages', { maxQueueMessages: QUEUE }],
  ['bytes', { maxQueueBytes: QUEUE * SIZE }],
])('a queue bounded in %s', (_name, bound) => {
  test('drop-newest keeps what came first', async () => {
    const { hub, client, full } = await fillQueue({ ...bound, slowConsumer: 'drop-newest' });
    for (const label of range(full, full + EXTRA)) await ask(hub, client, label);
    expect(counted(hub.stats().dropped)).toEqual({ 'drop-newest': EXTRA });
    client.resume();
    expect(await readLabels(client, full)).toEqual(range(0, full));
    await ask(hub, client, 7777);
    expect(await readLabels(client, 1)).toEqual([7777]);
    expect(hub.stats().outbound).toMatchObject({ queuedMessages: 0, queuedBytes: 0 });
  });

  test('drop-oldest keeps what came last', async () => {
    const { hub, client, full } = await fillQueue({ ...bound, slowConsumer: 'drop-oldest' });
    for (const label of range(full, full + EXTRA)) await ask(hub, client, label);
    expect(counted(hub.stats().dropped)).toEqual({ 'drop-oldest': EXTRA });
    expect(hub.stats().outbound).toMatchObject({ queuedMessages: QUEUE, queuedBytes: QUEUE * SIZE });
    client.resume();
    const survivors = [...range(0, full - QUEUE), ...range(full + EXTRA - QUEUE, full + EXTRA)];
    expect(await readLabels(client, full)).toEqual(survivors);
    await ask(hub, client, 7777);
    expect(await readLabels(client, 1)).toEqual([7777]);
  });

  test('close ends the connection with 1008, and counts every reply that it did not get', async () => {
    const { hub, client, full } = await fillQueue({ ...bound, slowConsumer: 'close' });
    const bystander = await WsClient.connect(hub.wsUrl);
    await ask(hub, client, full);
    await until('the close', () => hub.stats().dropped['slow-consumer']! > 0);
    client.resume();
    const { frames, code, reason } = await client.readToEnd();
    expect({ code, reason }).toEqual({ code: 1008, reason: expect.stringMatching(/\S/) });
    const labels = frames.map(({ payload }) => Number(payload.toString('latin1').split(' ')[0]));
    expect(labels).toEqual(range(0, labels.length));
    client.close(code);
    await until('the connection to be gone', () => hub.stats().connections.open === 1);
    const { dropped, connections, outbound } = hub.stats();
    expect(labels.length + dropped['slow-consumer']!).toBe(full + 1);
    expect(connections.closed).toMatchObject({ 1008: 1 });
    expect(outbound).toMatchObject({ queuedMessages: 0, queuedBytes: 0 });
    expect(await bystander.ask('unharmed')).toBe('unharmed');
  });
});

test('the policy is logged once per crossing, not once per reply', async () => {
  const { hub, log } = await startHub({
    handler: fixture('replies.mjs'),
    slowConsumer: 'drop-newest',
    maxQueueMessages: QUEUE,
  });
  const client = await RawClient.open(hub.port);
  client.pause();
  for (let label = 0; hub.stats().dropped['drop-newest']! < EXTRA; label++) await ask(hub, client, label);
  expect(log.filter(({ level }) => level === 'warn' || level === 'error').length).toBeLessThanOrEqual(1);
});
