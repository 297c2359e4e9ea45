/** The statistics as server-sent events: how often, what is in them, what ends them, and that they cost nothing unread. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { HubStats, StatsEvent } from '../../../src/api/stats.js';
import { MAX_STREAMS, StatsFeed, type StatsReader } from '../../../src/hub/http/stats-feed.js';
import { LatencySampler } from '../../../src/telemetry/latency.js';
import { Barriers } from '../../support/barriers.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { startMeasuredHub } from '../../support/servers/measured-hub.js';
import { until } from '../../support/until.js';

interface Received {
  readonly event: StatsEvent;
}

/** Opens the stream and gathers what comes; it is left when the test is over. */
async function openStream(url: string) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(`${url}/stats/stream`, { signal: abort.signal });
  const events: Received[] = [];
  let text = '';
  const ended = (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (text + chunk).split('\n\n');
      text = parts.pop()!;
      for (const part of parts) {
        if (part.startsWith('data: ')) events.push({ event: JSON.parse(part.slice(6)) });
      }
    }
    return 'ended';
  })().catch((error: Error) => error.name);
  return { response, events, ended, close: () => abort.abort() };
}

describe('GET /stats/stream', () => {
  test('sends what stats() says, again and again', async () => {
    const { hub } = await startHub();
    const { response, events } = await openStream(hub.url);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    await until('two events', () => events.length >= 2);
    const [{ event: first }, { event: second }] = events as [Received, Received];
    expect(second.stats.uptimeMs).toBeGreaterThan(first.stats.uptimeMs);
    const { stats } = second;
    expect(Object.keys(stats)).toEqual(Object.keys(hub.stats()));
    expect(stats).toMatchObject({ state: 'running', handler: 'echo', workers: 2 });
  });

  test('counts messages and batches, samples their latency, and probes every thread', async () => {
    const { hub } = await startHub();
    const { events } = await openStream(hub.url);
    const clients = await connectMany(hub.wsUrl, 4);
    let sent = 0;
    await until('an event with all of it', async () => {
      await Promise.all(clients.map((client) => client.ask(`message ${sent++}`)));
      const last = events.at(-1)?.event;
      return last?.latency && last.loopDelay.workersMs.every((ms) => ms !== null);
    });
    const { stats, latency, loopDelay } = events.at(-1)!.event;
    expect(stats.connections.open).toBe(4);
    expect(stats.messages.received).toBeGreaterThan(0);
    const batches = stats.shards.map((shard) => shard.batches);
    expect(Math.min(...batches)).toBeGreaterThan(0);
    expect(latency!.samples).toBeGreaterThan(0);
    expect(latency!.p50Ms).toBeGreaterThan(0);
    expect(latency!.p99Ms).toBeGreaterThanOrEqual(latency!.p50Ms);
    expect(loopDelay.workersMs).toHaveLength(2);
    for (const ms of loopDelay.workersMs) expect(ms).toBeGreaterThan(0);
    expect(loopDelay.frontMs).toBeGreaterThanOrEqual(0);
  });

  test('shows a worker whose loop is held up, while it is held up', async () => {
    const { hub } = await startHub({ workers: 1, handler: fixture('gates.mjs') });
    const barriers = new Barriers();
    const { events } = await openStream(hub.url);
    await until('a first event', () => events.length > 0);
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    client.send('loop');
    await barriers.waitFor('looping');
    const delay = () => events.at(-1)!.event.loopDelay.workersMs[0] ?? 0;
    await until('a probe that is not answered', () => delay() > 500);
    barriers.lift('release');
    expect((await client.next()).data.toString()).toBe('looped');
    await until('an answer again', () => delay() < 500);
  });

  test('without worker threads there are no threads to probe', async () => {
    const { hub } = await startHub({ workers: 0 });
    const { events } = await openStream(hub.url);
    const client = await WsClient.connect(hub.wsUrl);
    await until('a sample', async () => {
      await client.ask('x');
      return events.at(-1)?.event.latency;
    });
    expect(events.at(-1)!.event.loopDelay.workersMs).toEqual([null]);
  });

  test('has room for so many readers, and says so to the next', async () => {
    const { hub } = await startHub();
    const streams = await Promise.all(Array.from({ length: MAX_STREAMS }, () => openStream(hub.url)));
    expect(streams.map(({ response }) => response.status)).toEqual(Array(MAX_STREAMS).fill(200));
    const refused = await fetch(`${hub.url}/stats/stream`);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toMatch(new RegExp(`All ${MAX_STREAMS} streams .* are taken`));
    expect(hub.stats().rejected['too-many-streams']).toBe(1);
    // One that leaves makes room.
    streams[0]!.close();
    await until('room for another', async () => {
      const { response, close } = await openStream(hub.url);
      close();
      return response.status === 200;
    });
  });

  test('ends in good order when the hub closes, and does not hold that up', async () => {
    const { hub } = await startHub();
    const streams = await Promise.all([openStream(hub.url), openStream(hub.url)]);
    await hub.close();
    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(['ended', 'ended']);
  });

  test('takes GET alone', async () => {
    const { hub } = await startHub();
    for (const method of ['HEAD', 'POST']) {
      const response = await fetch(`${hub.url}/stats/stream`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET');
    }
  });

  test('leaves no timer behind when nobody reads any more', async () => {
    // No watchdog: it has a timer of its own.
    const hub = await startMeasuredHub({ handlerTimeoutMs: 0 });
    expect(await hub.timers()).toBe(0);
    const stream = await openStream(hub.url);
    await until('an event', () => stream.events.length > 0);
    expect(await hub.timers()).toBe(1);
    stream.close();
    await until('the timer to go', async () => (await hub.timers()) === 0);
    const again = await openStream(hub.url);
    await until('an event again', () => again.events.length > 0);
  });

  test('a reader that is cut off is forgotten', async () => {
    const { hub } = await startHub();
    const socket = connect(hub.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /stats/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
    const { events } = await openStream(hub.url);
    await until('two events for the other', () => events.length >= 2);
  });
});

/** A reader that takes `room` pieces, and a source that tells what it is asked. */
class FakeReader implements StatsReader {
  readonly pieces: string[] = [];
  room = Number.POSITIVE_INFINITY;
  isEnded = false;
  isTerminated = false;

  write(piece: string): boolean {
    this.pieces.push(piece);
    return --this.room >= 0;
  }

  end(): void {
    this.isEnded = true;
  }

  terminate(): void {
    this.isTerminated = true;
  }

  get events(): number {
    return this.pieces.filter((piece) => piece.startsWith('data: ')).length;
  }
}

function fakeSource() {
  const asked = { stats: 0, probes: 0, samplers: [] as (LatencySampler | undefined)[] };
  const feed = new StatsFeed({
    shards: 2,
    stats: () => {
      asked.stats++;
      return {} as HubStats;
    },
    sampleLatency: (sampler) => void asked.samplers.push(sampler),
    probe: () => void asked.probes++,
    loopDelays: () => [null, null],
  });
  return { feed, asked };
}

describe('the feed', () => {
  const seconds = (count: number) => vi.advanceTimersByTime(count * 1000);

  function useFakeTimers(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
  }

  test('asks its source for nothing while nobody looks', () => {
    useFakeTimers();
    const { feed, asked } = fakeSource();
    seconds(100);
    expect(asked).toEqual({ stats: 0, probes: 0, samplers: [] });
    const [first, second] = [new FakeReader(), new FakeReader()];
    feed.add(first);
    feed.add(second);
    seconds(3);
    expect({ first: first.events, second: second.events, stats: asked.stats }).toEqual({
      first: 3,
      second: 3,
      stats: 3,
    });
    expect(asked.samplers).toEqual([expect.any(LatencySampler)]);
    feed.remove(first);
    seconds(1);
    expect({ first: first.events, second: second.events }).toEqual({ first: 3, second: 4 });
    feed.remove(second);
    expect(asked.samplers.at(-1)).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
    const { stats, probes } = asked;
    seconds(100);
    expect(asked).toMatchObject({ stats, probes });
  });

  test('drops events for a reader that does not take them, goes on when it does, and cuts it off in the end', () => {
    useFakeTimers();
    const { feed } = fakeSource();
    const [slow, quick] = [new FakeReader(), new FakeReader()];
    feed.add(slow);
    feed.add(quick);
    slow.room = 1;
    seconds(10);
    // The second was buffered; from then on it is only asked.
    expect(slow.events).toBe(2);
    expect(slow.pieces.filter((piece) => piece === ':\n\n')).toHaveLength(8);
    slow.room = Number.POSITIVE_INFINITY;
    seconds(2);
    expect(slow.events).toBe(4);
    slow.room = 0;
    seconds(100);
    expect(slow.isTerminated).toBe(true);
    expect(quick.events).toBe(112);
  });

  test('ends every stream when it is closed', () => {
    useFakeTimers();
    const { feed } = fakeSource();
    const readers = [new FakeReader(), new FakeReader()];
    for (const reader of readers) feed.add(reader);
    feed.close();
    expect(readers.every(({ isEnded }) => isEnded)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
