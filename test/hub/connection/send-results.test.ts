/** What `connection.send` says: at once, and to who awaits it. */
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const SIZE = 50_000;

describe.each([2, 0])('workers: %i', (workers) => {
  async function setUp(options = {}) {
    const { hub } = await startHub({ workers, handler: fixture('results.mjs'), ...options });
    const barriers = new Barriers();
    const path = `/ws${new URL(barriers.url(hub.wsUrl)).search}`;
    return { hub, barriers, path, url: barriers.url(hub.wsUrl) };
  }

  test('accepted: the same frozen object each time', async () => {
    const { url } = await setUp();
    const client = await WsClient.connect(url);
    client.send('same');
    expect(await client.collectTexts(3)).toEqual(['a', 'b', 'accepted true true function']);
  });

  test('a result that a hook returns is no reply', async () => {
    const { url } = await setUp();
    const client = await WsClient.connect(url);
    client.send('returned');
    client.send(`returned-full ${SIZE * 10}`);
    client.send('next');
    expect((await client.collect(3)).map(({ data }) => data.length)).toEqual([4, SIZE * 10, 4]);
    expect(client.waiting).toBe(0);
  });

  test('awaited for each: a peer that reads gets everything', async () => {
    const { hub, url } = await setUp({ maxQueueMessages: 4 });
    const client = await WsClient.connect(url);
    client.send(`awaited ${SIZE} 500`);
    expect((await client.collect(500)).every(({ data }) => data.length === SIZE)).toBe(true);
    expect(await client.nextText()).toBe('accepted');
    expect(hub.stats()).toMatchObject({ connections: { open: 1 }, outbound: { queuedMessages: 0 } });
  });

  test('queued: past a window, and until the peer has read', async () => {
    const { hub, barriers, path } = await setUp({ highWaterMark: 4 * SIZE, handlerTimeoutMs: 500 });
    const client = await RawClient.open(hub.port, { path });
    client.pause();
    // Fills the kernel's buffers first: they take some megabytes before anybody has to wait.
    client.text(`awaited ${SIZE} 100000`);
    let sent = -1;
    await until('nothing more to be sent', () => sent === (sent = hub.stats().messages.sent) && sent > 0, {
      everyMs: 600,
    });
    // It waits for its peer, so it is not late; below the bounds of its queue, so it is not closed.
    expect(hub.stats()).toMatchObject({ handlerTimeouts: 0, connections: { open: 1 } });
    client.resume();
    while (hub.stats().messages.sent < sent + 200)
      expect((await client.nextFrame())?.payload.length).toBe(SIZE);
    client.destroy();
    await until('all to be finished', () => hub.stats().messages.inFlight === 0);
    expect(barriers.notes('room')).toEqual([]);
  });

  test('queued: what waits is told that there is room, or that there never will be', async () => {
    const { hub, barriers, path } = await setUp();
    const reading = await RawClient.open(hub.port, { path });
    reading.text(`fill ${SIZE}`);
    // 64 KiB are reached with the second message.
    expect(await barriers.waitForNotes('room', 1)).toEqual(['accepted accepted']);
    expect(barriers.notes('status')).toEqual(['queued after 1']);
    const stalled = await RawClient.open(hub.port, { path });
    stalled.pause();
    // More than any kernel takes: no answer comes before the connection is gone.
    stalled.text('fill 15000000');
    await barriers.waitFor('full', 2);
    await until('the queue', () => hub.stats().outbound.engineBytes > 0);
    expect(barriers.notes('room')).toHaveLength(1);
    stalled.destroy();
    expect((await barriers.waitForNotes('room', 2))[1]).toBe('dropped dropped');
    await until('all to be finished', () => hub.stats().messages.inFlight === 0);
  });

  test('dropped: after close', async () => {
    const { barriers, url } = await setUp();
    const client = await WsClient.connect(url);
    client.send('closed');
    expect((await client.closed).code).toBe(4001);
    expect(await barriers.waitForNotes('status', 1)).toEqual(['dropped dropped']);
    expect(client.waiting).toBe(0);
  });
});
