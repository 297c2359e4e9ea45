/** The connections as the application reaches them: by id, by user, by filter, all at once; pings; events; heartbeats. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type HubConnection, type HubDiagnostics, HubError } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fillUp } from '../../../src/testing/fill-up.js';
import { Barriers } from '../../support/barriers.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const handler = fixture('topics.mjs');

describe('a connection on the I/O thread', () => {
  test('is found by the id that its handler knows, until it is gone', async () => {
    const { hub } = await startHub({ handler: fixture('hooks.mjs') });
    const client = await WsClient.connect(`${hub.wsUrl}?a=1`);
    const [connection] = [...hub.connections()];
    expect(hub.get(connection!.id)).toBe(connection);
    expect(connection).toMatchObject({
      isOpen: true,
      remoteAddress: '127.0.0.1',
      data: undefined,
      topics: [],
    });
    expect(connection!.request).toMatchObject({ path: '/ws', query: 'a=1' });
    expect(connection!.send('from the I/O thread')).toBe('accepted');
    expect(await client.nextText()).toContain('from the I/O thread');
    await client.close();
    await until('it to be gone', () => hub.get(connection!.id) === undefined);
    expect(connection!.isOpen).toBe(false);
    expect(connection!.send('too late')).toBe('dropped');
    expect(hub.stats().dropped['connection-gone']).toBe(1);
    expect(() => hub.get(7 as never)).toThrow(/a connection's id is a string, not 7/);
    expect(hub.get('nonsense')).toBeUndefined();
  });

  test('closes one whose peer does not read: what waits for its worker is not processed', async () => {
    const { hub } = await startHub({ workers: 1, handler: fixture('gates.mjs') });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    const [connection] = [...hub.connections()];
    client.socket.pause();
    await fillUp(connection!);
    client.send('loop');
    await barriers.waitFor('looping');
    // More than may be in the ring.
    for (let i = 0; i < 300; i++) client.send('x');
    await until('all to be accepted', () => hub.stats().messages.received === 301);
    connection!.close(4001);
    expect(connection!.isOpen).toBe(false);
    expect(hub.stats().messages.inFlight).toBeLessThan(300);
    expect(hub.stats().dropped['connection-gone']).toBeGreaterThan(0);
    barriers.lift('release');
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats().connections.open).toBe(1);
    client.socket.resume();
    expect((await client.closed).code).toBe(4001);
  });

  test('closes with a code and a reason after what was sent, and refuses codes that cannot be sent', async () => {
    const { hub } = await startHub({ handler });
    const client = await WsClient.connect(hub.wsUrl);
    const [connection] = [...hub.connections()];
    expect(() => connection!.close(1006)).toThrow(HubError);
    connection!.send('last words');
    connection!.close(4001, 'enough');
    expect(await client.nextText()).toBe('last words');
    expect(await client.closed).toEqual({ code: 4001, reason: 'enough' });
  });

  test('says what is buffered, and tells when it has drained', async () => {
    const { hub } = await startHub({ handler });
    const client = await RawClient.open(hub.port);
    client.pause();
    const [connection] = [...hub.connections()];
    await fillUp(connection!);
    expect(connection!.send('y')).toBe('queued');
    expect(connection!.bufferedBytes).toBeGreaterThanOrEqual(1024 * 1024);
    const drained = new Promise<HubConnection>((resolve) => hub.once('drain', resolve));
    client.resume();
    expect(await drained).toBe(connection);
    expect(connection!.bufferedBytes).toBeLessThan(64 * 1024);
    expect(connection!.send('x')).toBe('accepted');
  });

  test('may be closed, and sent to, when it is told that it opened', async () => {
    for (const workers of [2, 0]) {
      // With a hook `open`, whose reply finds nobody.
      const { hub } = await startHub({ handler: fixture('hooks.mjs'), workers });
      hub.on('open', (connection) => {
        connection.send('sorry');
        connection.close(4001, 'full');
      });
      const client = await WsClient.connect(hub.wsUrl);
      expect(await client.nextText()).toBe('sorry');
      expect(await client.closed).toEqual({ code: 4001, reason: 'full' });
      await until('it to be forgotten', () => hub.stats().messages.inFlight === 0);
      expect(hub.stats().connections).toMatchObject({ open: 0, closed: { 4001: 1 } });
      expect([...hub.connections()]).toEqual([]);
    }
  });

  test('is not behind a peer that reads when what was published goes ahead', async () => {
    const { hub } = await startHub({ handler });
    const client = await WsClient.connect(hub.wsUrl);
    const [connection] = [...hub.connections()];
    connection!.subscribe('a');
    hub.publish('a', 'one');
    // `queued` would be a promise of the event `drain`.
    expect(connection!.send('two')).toBe('accepted');
    expect(await client.collectTexts(2)).toEqual(['one', 'two']);
  });

  test('is subscribed from the I/O thread too', async () => {
    const { hub } = await startHub({ handler });
    const client = await WsClient.connect(hub.wsUrl);
    const [connection] = [...hub.connections()];
    expect([connection!.subscribe('a'), connection!.subscribe('a')]).toEqual([true, false]);
    expect(connection!.topics).toEqual(['a']);
    expect(hub.publish('a', 'one')).toBe(1);
    expect(await client.nextText()).toBe('one');
    expect([connection!.unsubscribe('a'), connection!.unsubscribe('a')]).toEqual([true, false]);
  });
});

describe('many connections', () => {
  test('are sent a broadcast, except some', async () => {
    const { hub } = await startHub({ handler });
    const clients = await connectMany(hub.wsUrl, 4);
    const [first] = [...hub.connections()];
    expect(hub.broadcast('all')).toBe(4);
    expect(hub.broadcast(new Uint8Array([1]), { except: first! })).toBe(3);
    for (const client of clients) expect(await client.nextText()).toBe('all');
    await until('the other broadcast', () => clients.filter((client) => client.waiting === 1).length === 3);
  });

  test('are filtered by topic, path, and any condition', async () => {
    const { hub } = await startHub({ handler });
    const clients = await connectMany(hub.wsUrl, 4);
    await clients[0]!.ask('subscribe a');
    await clients[1]!.ask('subscribe a');
    expect([...hub.connections({ topic: 'a' })]).toHaveLength(2);
    expect([...hub.connections({ path: '/ws' })]).toHaveLength(4);
    expect([...hub.connections({ path: '/other' })]).toHaveLength(0);
    const [one] = [...hub.connections()];
    expect([...hub.connections({ where: ({ id }) => id === one!.id })]).toEqual([one]);
    for (const connection of hub.connections({ topic: 'a' })) connection.close(4000);
    expect((await Promise.all([clients[0]!.closed, clients[1]!.closed])).map(({ code }) => code)).toEqual([
      4000, 4000,
    ]);
  });

  test('belong to users, by their data: a user is sent to and found, wherever connected, until gone', async () => {
    const users: Record<string, unknown> = { ann: 'ann', seven: 7, nobody: undefined, odd: { name: 'ann' } };
    const { hub } = await startHub({ handler, upgrade: ({ query }) => ({ data: { userId: users[query] } }) });
    const connect = (query: string) => WsClient.connect(`${hub.wsUrl}?${query}`);
    const [ann, again, seven, nobody, odd] = [
      await connect('ann'),
      await connect('ann'),
      await connect('seven'),
      await connect('nobody'),
      await connect('odd'),
    ];
    expect([...hub.connections()].map(({ userId }) => userId)).toEqual([
      'ann',
      'ann',
      '7',
      undefined,
      undefined,
    ]);
    const [first] = [...hub.connections({ userId: 'ann' })];
    expect(hub.sendToUser('ann', 'both')).toBe(2);
    expect(hub.sendToUser('ann', 'one', { except: first! })).toBe(1);
    expect([hub.sendToUser(7, 'number'), hub.sendToUser('7', 'digits')]).toEqual([1, 1]);
    expect([hub.sendToUser('ben', 'x'), hub.sendToUser('undefined', 'x')]).toEqual([0, 0]);
    expect(await ann.nextText()).toBe('both');
    expect(await again.collectTexts(2)).toEqual(['both', 'one']);
    expect(await seven.collectTexts(2)).toEqual(['number', 'digits']);
    for (const client of [ann, nobody, odd]) expect(await client.ask('echo')).toBe('echo');
    // What the application does to its data afterwards changes nothing.
    (first!.data as { userId: string }).userId = 'ben';
    await again.close();
    await until('one to be gone', () => [...hub.connections({ userId: 'ann' })].length === 1);
    expect(hub.sendToUser('ann', 'still')).toBe(1);
    await ann.close();
    await until('the other to be gone', () => hub.sendToUser('ann', 'x') === 0);
  });

  test('are not all taken for a condition that is misspelled', async () => {
    const { hub } = await startHub({ handler });
    expect(() => hub.connections({ userID: 'ann' } as never)).toThrow(/got "userID" but takes topic, userId/);
    expect(() => hub.connections({ userId: {} as never })).toThrow(/a user's id is a string or a number/);
    expect(() => hub.sendToUser(undefined as never, 'x')).toThrow(/a user's id is a string or a number/);
  });

  test('a request to POST /echo is not among them', async () => {
    const { hub } = await startHub({ handler });
    const seen: HubConnection[] = [];
    hub.on('open', (connection) => seen.push(connection));
    hub.on('close', (connection) => seen.push(connection));
    expect(await (await fetch(`${hub.url}/echo`, { method: 'POST', body: 'x' })).text()).toBe('x');
    expect(seen).toEqual([]);
    expect(hub.broadcast('x')).toBe(0);
  });
});

describe('pings', () => {
  test('measure the round trip, which stats and the connection know', async () => {
    const { hub } = await startHub({ handler });
    await WsClient.connect(hub.wsUrl);
    const [connection] = [...hub.connections()];
    const roundTripMs = await connection!.ping();
    expect(roundTripMs).toBeGreaterThan(0);
    expect(connection!.roundTripMs).toBe(roundTripMs);
    expect(hub.stats().pings).toEqual({
      sent: 1,
      answered: 1,
      timedOut: 0,
      roundTripMeanMs: roundTripMs,
      roundTripMaxMs: roundTripMs,
    });
  });

  test('carry a payload, and one pong answers those before it', async () => {
    const { hub } = await startHub({ handler });
    const client = await RawClient.open(hub.port);
    const [connection] = [...hub.connections()];
    const first = connection!.ping('first');
    const second = connection!.ping(Buffer.from('second'));
    const third = connection!.ping('third', { timeoutMs: 50 });
    const late = expect(third).rejects.toMatchObject({ code: 'ERR_PING_TIMEOUT' });
    const frames = [await client.nextFrame(), await client.nextFrame(), await client.nextFrame()];
    expect(frames.map((frame) => [frame!.opcode, frame!.payload.toString()])).toEqual([
      [9, 'first'],
      [9, 'second'],
      [9, 'third'],
    ]);
    client.frame({ opcode: 10, payload: Buffer.from('second') });
    expect(await first).toBeGreaterThan(0);
    expect(await second).toBeGreaterThan(0);
    await late;
    expect(hub.stats().pings).toMatchObject({ sent: 3, answered: 1, timedOut: 1 });
  });

  test('are refused when too long or too late, and end with their connection', async () => {
    const { hub } = await startHub({ handler });
    const client = await RawClient.open(hub.port);
    const [connection] = [...hub.connections()];
    await expect(connection!.ping('x'.repeat(126))).rejects.toThrow(/at most 125 bytes .* not 126/);
    await expect(connection!.ping(7 as never)).rejects.toThrow(/is a string or a Uint8Array, not 7/);
    await expect(connection!.ping('x', { timeoutMs: 0 })).rejects.toThrow(/timeoutMs takes 1 to 86400000/);
    const pending = connection!.ping();
    client.destroy();
    await expect(pending).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' });
    await expect(connection!.ping()).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' });
  });

  test('of the peer, and pongs that nobody asked for, are told to onPing and onPong', async () => {
    const seen: string[] = [];
    const { hub } = await startHub({
      handler,
      onPing: (connection, payload) => seen.push(`ping ${connection.id} ${payload}`),
      onPong: (connection, payload, roundTripMs) =>
        seen.push(`pong ${connection.id} ${payload} ${roundTripMs}`),
    });
    const client = await RawClient.open(hub.port);
    const [{ id }] = [...hub.connections()] as [HubConnection];
    client.frame({ opcode: 9, payload: Buffer.from('a') });
    client.frame({ opcode: 10, payload: Buffer.from('b') });
    await until('both', () => seen.length === 2);
    expect(seen).toEqual([`ping ${id} a`, `pong ${id} b undefined`]);
  });
});

describe('events', () => {
  test('tell when a connection opens, closes and is shed', async () => {
    const { hub } = await startHub({ handler, maxInFlight: 1 });
    const seen: unknown[] = [];
    hub.on('open', ({ id }) => seen.push(['open', id]));
    hub.on('close', ({ id }, code, reason) => seen.push(['close', id, code, reason]));
    const client = await WsClient.connect(hub.wsUrl);
    const [{ id }] = [...hub.connections()] as [HubConnection];
    await client.close(4002, 'bye');
    await until('the close', () => seen.length === 2);
    expect(seen).toEqual([
      ['open', id],
      ['close', id, 4002, 'bye'],
    ]);
  });

  test('tell of refused handshakes', async () => {
    const { hub } = await startHub({ handler });
    const refused = new Promise((resolve) => hub.once('reject', resolve));
    await expect(WsClient.connect(hub.wsUrl, { origin: 'http://evil.example' })).rejects.toThrow('403');
    expect(await refused).toEqual({
      reason: 'bad-origin',
      status: '403 Forbidden',
      path: '/ws',
      remoteAddress: '127.0.0.1',
    });
  });

  test('are published on diagnostics channels with their hub', async () => {
    const { hub } = await startHub({ handler });
    const seen: HubDiagnostics<'open'>[] = [];
    const listener = (message: unknown) => seen.push(message as HubDiagnostics<'open'>);
    subscribe('shardhub:open', listener);
    onTestFinished(() => void unsubscribe('shardhub:open', listener));
    await WsClient.connect(hub.wsUrl);
    await until('the message', () => seen.length === 1);
    expect(seen[0]!.hub).toBe(hub);
    expect(seen[0]!.args[0]).toBe([...hub.connections()][0]);
  });
});

describe('the heartbeat', () => {
  test('beats for every connection, as text or binary', async () => {
    for (const binary of [false, true]) {
      const { hub } = await startHub({ handler, heartbeat: { intervalMs: 100, payload: '心跳', binary } });
      const clients = await connectMany(hub.wsUrl, 2);
      for (const client of clients) {
        expect(await client.collect(2)).toEqual(
          Array.from({ length: 2 }, () => ({ data: Buffer.from('心跳'), isBinary: binary })),
        );
      }
      await hub.close();
    }
  });

  test('a peer that does not read gets the newest beat only', async () => {
    const { hub } = await startHub({ handler, heartbeat: { intervalMs: 100 } });
    const client = await RawClient.open(hub.port);
    client.pause();
    const [connection] = [...hub.connections()];
    await fillUp(connection!);
    const { queuedMessages } = hub.stats().outbound;
    await until('three beats', () => hub.stats().dropped.conflated >= 2);
    expect(hub.stats().outbound.queuedMessages).toBeLessThanOrEqual(queuedMessages + 1);
  });
});
