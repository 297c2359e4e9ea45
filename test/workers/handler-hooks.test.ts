/** The hooks open and close, what a handler knows of its connection, and how it closes one. */
import { describe, expect, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { RawClient } from '../support/clients/raw-client.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

describe.each([2, 0])('workers: %i', (workers) => {
  test('open knows the handshake and sends before the first reply', async () => {
    const { hub } = await startHub({ workers, handler: fixture('hooks.mjs') });
    const barriers = new Barriers();
    const url = `${barriers.url(hub.wsUrl)}&x=%20y`;
    const client = await WsClient.connect(url, { headers: { 'X-Custom': 'café', 'User-Agent': 'tests' } });
    client.send('count');
    const request = JSON.parse(await client.nextText());
    const query = new URL(url).search.slice(1);
    expect(request).toMatchObject({
      path: '/ws',
      query,
      url: `/ws?${query}`,
      agent: 'tests',
      remoteAddress: '127.0.0.1',
    });
    expect(request.custom).toMatch(/^caf/);
    expect(await client.nextText()).toBe('1');
  });

  test('every connection has an id and a state of its own', async () => {
    const { hub } = await startHub({ workers, handler: fixture('hooks.mjs') });
    const ids = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const clients = await connectMany(hub.wsUrl, 10);
      for (const client of clients) ids.add((await client.ask('who')).split(' ')[0]!);
      expect(await Promise.all(clients.map((client) => client.ask('count')))).toEqual(Array(10).fill('2'));
      await Promise.all(clients.map((client) => client.close()));
    }
    expect(ids.size).toBe(30);
  });

  test('close tells code and reason, once, after the signal; also of a peer that vanished', async () => {
    const { hub } = await startHub({ workers, handler: fixture('hooks.mjs') });
    const barriers = new Barriers();
    const polite = await WsClient.connect(barriers.url(hub.wsUrl));
    const { id } = JSON.parse(await polite.nextText());
    expect(await polite.ask('hello')).toBe(`${id} aborted:false`);
    await polite.close(4001, 'until tomorrow');
    expect(await barriers.waitForNotes('close', 1)).toEqual([
      `${id} 4001 until tomorrow seen:1 aborted:true`,
    ]);

    const rude = await RawClient.open(hub.port, {
      path: new URL(barriers.url(hub.wsUrl)).href.split(String(hub.port))[1]!,
    });
    await rude.nextFrame();
    rude.destroy();
    const [, second] = await barriers.waitForNotes('close', 2);
    expect(second).toMatch(/ 1006 .*seen:0 aborted:true$/);
    expect(barriers.notes('abort')).toHaveLength(2);
    expect(barriers.notes('open')).toHaveLength(2);
    expect(hub.stats().connections).toMatchObject({ open: 0, opened: 2, closed: { 4001: 1, 1006: 1 } });
  });

  test('the signal aborts while a message waits, and the messages behind it still come before close', async () => {
    const { hub } = await startHub({ workers, handler: fixture('hooks.mjs') });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    await client.next();
    client.send('until-gone');
    client.send('behind');
    await barriers.waitFor('waiting');
    await until('both messages to be in', () => hub.stats().messages.received === 2);
    client.destroy();
    expect((await barriers.waitForNotes('close', 1))[0]).toContain('seen:2 aborted:true');
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    // A reply that finds nobody is accounted for, never silently lost.
    const { messages, dropped } = hub.stats();
    const { received, sent } = messages;
    expect({ received, accounted: sent - 1 + dropped['connection-gone']! }).toEqual({
      received: 2,
      accounted: 2,
    });
  });

  test('a handler with nothing but message has request and signal too', async () => {
    const { hub } = await startHub({ workers, handler: fixture('message-only.mjs') });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    expect(await client.ask('hi')).toBe('/ws undefined');
    expect(await client.ask('watch')).toBe('watching');
    client.destroy();
    expect(await barriers.waitForNotes('abort', 1)).toEqual(barriers.notes('watching'));
  });

  test.each([
    ['close', 1000, ''],
    ['close 4242 enough', 4242, 'enough'],
    [`close 3000 ${'ä'.repeat(80)}`, 3000, 'ä'.repeat(61)],
  ])('%s closes after what was sent before', async (command, code, reason) => {
    const { hub } = await startHub({ workers, handler: fixture('sends.mjs') });
    const client = await WsClient.connect(hub.wsUrl);
    client.send(command);
    client.send('during');
    expect(await client.nextText()).toBe('last words');
    expect(await client.closed).toEqual({ code, reason });
    expect(client.waiting).toBe(0);
    await until('the connection to be gone', () => hub.stats().connections.open === 0);
    expect(hub.stats().connections.closed).toMatchObject({ [code]: 1 });
  });

  test('sending to a connection that has gone harms nobody', async () => {
    const { hub, log } = await startHub({ workers, handler: fixture('sends.mjs') });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    client.send('afterwards');
    await barriers.waitFor('waiting');
    client.destroy();
    await until('the connection to be gone', () => hub.stats().connections.open === 0);
    barriers.lift('release');
    await barriers.waitFor('sent');
    expect(await (await WsClient.connect(hub.wsUrl)).ask('during')).toBe('sent 1');
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(log).toEqual([]);
    expect(hub.stats().handlerErrors).toBe(0);
  });
});
