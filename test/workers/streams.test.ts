/** Iterables as replies: sent no faster than the peer reads, ended with their connection, and in nobody's way. */
import { describe, expect, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { RawClient } from '../support/clients/raw-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, type LogLine, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const SIZE = 10_000;
/** Far more than the kernel's buffers, the engine's and a window take. */
const ENDLESS = 1_000_000_000;

const errors = (log: LogLine[]) => log.filter(({ level }) => level === 'error');

describe.each([2, 0])('workers: %i', (workers) => {
  async function setUp(options = {}) {
    const { hub, log } = await startHub({ workers, handler: fixture('streams.mjs'), ...options });
    const barriers = new Barriers();
    const { search } = new URL(barriers.url(hub.wsUrl));
    /** A client that does not read. */
    const stalled = async () => {
      const client = await RawClient.open(hub.port, { path: `/ws${search}` });
      client.pause();
      return client;
    };
    return { hub, log, barriers, stalled, url: barriers.url(hub.wsUrl) };
  }

  /** The connection’s stream has come to a halt: nothing more is sent. */
  async function halted(sent: () => number): Promise<void> {
    let last = -1;
    await until('the stream to halt', () => last === (last = sent()) && last > 0, { everyMs: 100 });
  }

  test.each(['sync', 'async', 'list', 'later'])(
    '%s: all items, in order, then the next message',
    async (way) => {
      const { url } = await setUp();
      const client = await WsClient.connect(url);
      client.send(`${way} 3000 1000`);
      client.send('behind');
      const received = await client.collect(3001);
      expect(received.slice(0, 3000).map(({ data }) => data.readUInt32BE())).toEqual(
        Array.from({ length: 3000 }, (_, i) => i),
      );
      expect(received[3000]!.data.toString()).toBe('behind');
    },
  );

  test.each(['sync', 'async', 'later'])(
    '%s: a peer that does not read holds up its own stream only',
    async (way) => {
      const { hub, barriers, stalled, url } = await setUp({ maxQueueMessages: 20 });
      const client = await stalled();
      client.text(`${way} ${ENDLESS} ${SIZE}`);
      await halted(() => hub.stats().messages.sent);
      // It waits below its bounds, and nothing was dropped.
      expect(hub.stats()).toMatchObject({ connections: { open: 1 }, messages: { inFlight: 1 } });
      const others = await Promise.all([WsClient.connect(url), WsClient.connect(url)]);
      for (const other of others) expect(await other.ask('beside')).toBe('beside');
      expect(barriers.notes('ended')).toEqual([]);
      // It goes on when the peer reads, exactly where it was.
      client.resume();
      for (let i = 0; i < 2000; i++) {
        const frame = await client.nextFrame();
        if (frame?.payload.readUInt32BE() !== i) throw new Error(`item ${i} is missing`);
      }
      expect(barriers.notes('ended')).toEqual([]);
      client.destroy();
      await barriers.waitForNotes('ended', 1);
      expect(Number(barriers.notes('ended')[0])).toBeGreaterThan(1999);
      await until('all to be finished', () => hub.stats().messages.inFlight === 0);
      expect(hub.stats()).toMatchObject({ handlerErrors: 0, handlerTimeouts: 0 });
    },
  );

  test('a stream that waits for a slow peer is not late; one that waits for its next item is', async () => {
    const { hub, barriers, stalled, url } = await setUp({ handlerTimeoutMs: 1000 });
    const client = await stalled();
    client.text(`sync ${ENDLESS} ${SIZE}`);
    await halted(() => hub.stats().messages.sent);
    const slow = await WsClient.connect(url);
    // Longer in all than any hook may take, but no item is.
    slow.send('slow 75');
    expect(await slow.collectTexts(75)).toEqual(Array.from({ length: 75 }, (_, i) => `${i}`));
    const stuck = await WsClient.connect(url);
    stuck.send('stuck');
    expect(await stuck.nextText()).toBe('first');
    expect((await stuck.closed).code).toBe(1011);
    expect(hub.stats()).toMatchObject({ handlerTimeouts: 1, workerExits: 0, connections: { open: 2 } });
    expect(barriers.notes('ended')).toEqual(['slow']);
    client.resume();
    for (let i = 0; i < 100; i++) await client.nextFrame();
    client.destroy();
    await barriers.waitForNotes('ended', 2);
  });

  test.each([
    ['hanging', 'waiting', 'returned'],
    ['silent', 'silent', 'silent'],
  ])('%s: ends with its connection, before close', async (command, reached, ended) => {
    const { hub, log, barriers, url } = await setUp();
    const client = await WsClient.connect(url);
    client.send(command);
    await barriers.waitFor(reached);
    const other = await WsClient.connect(url);
    expect(await other.ask('beside')).toBe('beside');
    client.destroy();
    expect(await barriers.waitForNotes('ended', 1)).toEqual([ended]);
    await until('all to be finished', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats()).toMatchObject({ handlerErrors: 0, workerExits: 0 });
    expect(errors(log)).toEqual([]);
  });

  test('a stream that is aborted by its connection’s signal has not failed', async () => {
    const { hub, log, barriers, url } = await setUp();
    const client = await WsClient.connect(url);
    client.send('slow 1000000');
    expect(await client.nextText()).toBe('0');
    client.destroy();
    await barriers.waitForNotes('ended', 1);
    await until('all to be finished', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats().handlerErrors).toBe(0);
    expect(errors(log)).toEqual([]);
  });

  test('a stream that throws in the middle: what came before is sent, then 1011', async () => {
    const { hub, url } = await setUp();
    const client = await WsClient.connect(url);
    client.send(`throwing 300 ${SIZE}`);
    expect((await client.collect(300)).map(({ data }) => data.readUInt32BE())).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
    expect((await client.closed).code).toBe(1011);
    expect(hub.stats()).toMatchObject({ handlerErrors: 1 });
  });

  test('an item that is no data: 1011, and the generator cleans up', async () => {
    const { log, barriers, url } = await setUp();
    const client = await WsClient.connect(url);
    client.send('bad-item');
    expect(await client.nextText()).toBe('good');
    expect((await client.closed).code).toBe(1011);
    expect(barriers.notes('ended')).toEqual(['bad-item']);
    expect(errors(log)).toMatchObject([{ details: { err: { code: 'ERR_DATA_TYPE' } } }]);
  });

  test('a generator that closes its connection is not asked for more', async () => {
    const { barriers, url } = await setUp();
    const client = await WsClient.connect(url);
    client.send('closing');
    expect(await client.nextText()).toBe('last');
    expect(await client.closed).toEqual({ code: 4000, reason: 'enough' });
    expect(await barriers.waitForNotes('ended', 1)).toEqual(['closing']);
    expect(client.waiting).toBe(0);
  });
});

test('a drain cuts a stream that nobody reads, and ends its generator', async () => {
  const { hub } = await startHub({ handler: fixture('streams.mjs'), workers: 0 });
  const barriers = new Barriers();
  const client = await RawClient.open(hub.port, { path: `/ws${new URL(barriers.url(hub.wsUrl)).search}` });
  client.pause();
  client.text(`sync ${ENDLESS} ${SIZE}`);
  await until('the stream', () => hub.stats().messages.sent > 10);
  await hub.close({ timeoutMs: 100 });
  expect(hub.state).toBe('stopped');
  await barriers.waitForNotes('ended', 1);
});
