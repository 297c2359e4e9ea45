/** A handler that fails costs its own connection 1011, is counted and logged once, and harms nobody else. */
import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/clients/raw-client.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { counted } from '../support/counters.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const FAILURES: [string, string, string[]][] = [
  ['throw', 'thrown by the test', []],
  ['reject', 'rejected by the test', []],
  ['throw-string', 'a bare string', []],
  ['throw-undefined', 'undefined', []],
  ['throw-nonsense', 'cannot be described', []],
  ['throw-circle', 'a stack in a circle', []],
  ['throw-revoked', 'cannot be described', []],
  ['generator', 'thrown by a generator of the test', ['before the end']],
  ['async-generator', 'thrown by an async generator of the test', ['before the end']],
  ['send-then-throw', 'thrown after a send', ['sent before']],
];

describe.each([2, 0])('workers: %i', (workers) => {
  test.each(FAILURES)('%s', async (failure, message, sentBefore) => {
    const { hub, log } = await startHub({ workers, handler: fixture('failing.mjs') });
    const bystanders = await connectMany(hub.wsUrl, 4);
    const client = await WsClient.connect(hub.wsUrl);
    client.send('first');
    client.send(failure);
    client.send('never begun');
    for (const bystander of bystanders) bystander.send('beside');
    expect(await client.collectTexts(1 + sentBefore.length)).toEqual(['first', ...sentBefore]);
    const { code, reason } = await client.closed;
    expect(code).toBe(1011);
    expect(reason).toMatch(/\S/);
    // What went wrong inside is for the log, not for the peer.
    expect(reason).not.toContain('test');
    expect(client.waiting).toBe(0);
    for (const bystander of bystanders) expect(await bystander.nextText()).toBe('beside');
    for (const bystander of bystanders) expect(await bystander.ask('after')).toBe('after');

    await until('the connection to be gone', () => hub.stats().connections.open === 4);
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats()).toMatchObject({ handlerErrors: 1, connections: { closed: { 1011: 1 } } });
    const lines = log.filter(({ level }) => level === 'error');
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines[0])).toContain(message);
    // With a stack where there is one.
    if (!failure.startsWith('throw-')) expect(JSON.stringify(lines[0])).toContain('failing.mjs');
  });

  test('open that throws: 1011 for the connection it was for', async () => {
    const { hub, log } = await startHub({ workers, handler: fixture('failing.mjs') });
    const bystander = await WsClient.connect(hub.wsUrl);
    const client = await WsClient.connect(`${hub.wsUrl}?fail-open`);
    client.send('hello');
    expect(await client.closed).toMatchObject({ code: 1011 });
    expect(client.waiting).toBe(0);
    expect(await bystander.ask('still there')).toBe('still there');
    expect(hub.stats().handlerErrors).toBe(1);
    expect(JSON.stringify(log)).toContain('thrown by open');
  });

  test('close that throws: counted and logged, and harms nobody', async () => {
    const { hub, log } = await startHub({ workers, handler: fixture('failing.mjs') });
    const bystander = await WsClient.connect(hub.wsUrl);
    const client = await WsClient.connect(`${hub.wsUrl}?fail-close`);
    await client.close(1000);
    await until('the error to be counted', () => hub.stats().handlerErrors === 1);
    expect(JSON.stringify(log)).toContain('thrown by close');
    expect(await bystander.ask('still there')).toBe('still there');
  });

  test.each([
    ['bad-send', 'not'],
    ['bad-code', '1005'],
  ])('%s throws an error of the hub into the handler', async (command, part) => {
    const { hub, log } = await startHub({ workers, handler: fixture('sends.mjs') });
    const client = await WsClient.connect(hub.wsUrl);
    client.send(command);
    expect(await client.closed).toMatchObject({ code: 1011 });
    expect(JSON.stringify(log)).toContain(part);
  });

  test('earlier replies that wait for a slow reader come first, then 1011', async () => {
    const { hub } = await startHub({ workers, handler: fixture('replies.mjs') });
    const client = await RawClient.open(hub.port);
    client.pause();
    let asked = 0;
    while (hub.stats().outbound.queuedMessages < 5) {
      client.text(`reply ${asked++} 200000`);
      await until('the reply', () => {
        const { received, inFlight } = hub.stats().messages;
        return received === asked && inFlight === 0;
      });
    }
    client.text('throw');
    client.text('never begun');
    await until('the failure', () => hub.stats().handlerErrors === 1 && hub.stats().messages.inFlight === 0);
    expect(hub.stats()).toMatchObject({ connections: { open: 1 } });
    expect(hub.stats().outbound.queuedMessages).toBeGreaterThanOrEqual(5);
    client.resume();
    const { frames, code } = await client.readToEnd();
    const labels = frames.map(({ payload }) => payload.toString('latin1').split(' ')[0]);
    expect(labels).toEqual(Array.from({ length: asked }, (_, i) => `${i}`));
    expect(frames.map(({ payload }) => payload.length)).toEqual(Array(asked).fill(200_000));
    expect(code).toBe(1011);
    client.close(code);
    await until('the connection to be gone', () => hub.stats().connections.open === 0);
    expect(hub.stats()).toMatchObject({
      handlerErrors: 1,
      connections: { closed: { 1011: 1 } },
      outbound: { queuedMessages: 0, queuedBytes: 0, engineBytes: 0 },
    });
    expect(counted(hub.stats().dropped)).not.toHaveProperty('slow-consumer');
  });

  test('many failures at once, each for its own', async () => {
    const { hub } = await startHub({ workers, handler: fixture('failing.mjs') });
    const clients = await connectMany(hub.wsUrl, 60);
    const outcomes = await Promise.all(
      clients.map(async (client, i) => {
        for (let n = 0; n < 20; n++) client.send(i % 3 === 0 && n === 10 ? 'throw' : `${n}`);
        const replies = await client.collectTexts(i % 3 === 0 ? 10 : 20);
        return i % 3 === 0 ? (await client.closed).code : replies.length;
      }),
    );
    expect(outcomes).toEqual(clients.map((_, i) => (i % 3 === 0 ? 1011 : 20)));
    expect(hub.stats()).toMatchObject({ handlerErrors: 20, connections: { open: 40, closed: { 1011: 20 } } });
  });
});
