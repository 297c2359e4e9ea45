/** `testHandler`: a handler under a test's hand. In memory it behaves as on a port, with threads and without. */
import { HubError } from 'shardhub';
import { type TestOptions, testHandler } from 'shardhub/testing';
import { defineHandler, type Handler } from 'shardhub/worker';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fixture } from '../support/servers/hubs.js';

async function run(handler: string | URL | Handler, options: TestOptions = {}) {
  const t = await testHandler(handler, options);
  onTestFinished(() => t.stop());
  return t;
}

const chat = defineHandler<{ name: string }, { name: string }, { greeting: string }>({
  open(connection) {
    connection.state = { name: connection.data.name };
    connection.subscribe('room');
  },
  message: (connection, message) =>
    connection.publish('room', `${connection.state.name}: ${message.text()}`, { toSelf: true }),
  close(connection) {
    connection.publish('room', `${connection.state.name} left`);
  },
});

describe.each<[where: string, options: TestOptions]>([
  ['in memory', {}],
  ['in memory, with threads', { hub: { workers: 2 } }],
  ['on a port', { real: true }],
])('%s', (_, options) => {
  test('messages are answered, text as text and bytes as bytes', async () => {
    const t = await run('echo', options);
    await t.send('hi');
    expect(await t.next()).toBe('hi');
    await t.send(Uint8Array.of(1, 2, 255));
    expect(await t.next()).toEqual(Uint8Array.of(1, 2, 255));
    expect(t.received).toEqual([]);
  });

  test('the handler knows what was said in the handshake', async () => {
    const t = await run(fixture('request.mjs'), {
      ...options,
      query: 'room=7',
      headers: { cookie: 'a=b' },
      data: { userId: 'ann' },
      handlerOptions: { limit: 5 },
      subprotocols: ['v1'],
      hub: { subprotocols: ['v1'], ...options.hub },
    });
    expect(JSON.parse(String(await t.next()))).toEqual({
      query: 'room=7',
      cookie: 'a=b',
      data: { userId: 'ann' },
      options: { limit: 5 },
      subprotocol: 'v1',
    });
    expect(t.hub.sendToUser('ann', 'by name')).toBe(1);
    expect(await t.next()).toBe('by name');
  });

  test('a hook that throws closes the connection, and its error is told', async () => {
    const t = await run(fixture('faults.mjs'), options);
    await t.send('throw');
    await expect(t.next()).rejects.toMatchObject({
      message: expect.stringContaining('closed with 1011 "the handler failed": '),
      cause: expect.objectContaining({ stack: expect.stringContaining('faults.mjs') }),
    });
    expect(await t.closed).toMatchObject({ code: 1011 });
    expect(t.errors).toHaveLength(1);
    expect(t.log).toContainEqual(
      expect.objectContaining({ level: 'error', details: expect.objectContaining({ connection: t.id }) }),
    );
  });

  test('a handshake that is refused is a rejection', async () => {
    const hub = { ...options.hub, upgrade: () => ({ reject: 403, body: 'not you' }) };
    await expect(testHandler('echo', { ...options, hub })).rejects.toThrow('403');
  });

  test('a peer that stalls gets everything when it reads again; one that is cut is gone', async () => {
    const t = await run('echo', options);
    t.stall();
    for (const text of ['1', '2']) await t.send(text);
    t.resume();
    expect([await t.next(), await t.next()]).toEqual(['1', '2']);
    expect(await t.cut()).toMatchObject({ code: 1006 });
  });
});

describe('in memory', () => {
  test('several connections share topics, and the last one hears of the others', async () => {
    const t = await run(chat, { data: { name: 'ann' } });
    const bob = await t.connect({ data: { name: 'bob' } });
    await bob.send('hello');
    expect([await t.next(), await bob.next()]).toEqual(['bob: hello', 'bob: hello']);
    expect(t.hub.topics()).toEqual(new Map([['room', 2]]));
    expect(await bob.close(4001, 'enough')).toEqual({ code: 4001, reason: 'enough' });
    expect(await t.next()).toBe('bob left');
    expect(t.hub.publish('room', 'from outside')).toBe(1);
    expect(await t.next()).toBe('from outside');
  });

  test('a connection that the handler closes says so, after what it was sent', async () => {
    const t = await run({
      message(connection) {
        connection.send('last words');
        connection.close(4242, 'enough');
      },
    });
    await t.send('');
    expect(await t.next()).toBe('last words');
    expect(await t.closed).toEqual({ code: 4242, reason: 'enough' });
    await expect(t.send('to nobody')).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' });
    await expect(t.next()).rejects.toThrow('closed with 4242 "enough"');
  });

  test('start and stop run, with options, and stop closes with 1001', async () => {
    const seen: unknown[] = [];
    const t = await run(
      {
        start: ({ options, workers }) => void seen.push('start', options, workers),
        open: () => {},
        close: (_connection, code) => void seen.push('close', code),
        stop: () => void seen.push('stop'),
      },
      { handlerOptions: { limit: 5 } },
    );
    await t.stop();
    expect(seen).toEqual(['start', { limit: 5 }, 0, 'close', 1001, 'stop']);
    expect(await t.closed).toMatchObject({ code: 1001 });
  });

  test('limits and queues are the hub’s own', async () => {
    const t = await run('echo', { hub: { maxQueueMessages: 2, highWaterMark: 1, maxPayload: 10 } });
    t.stall();
    for (let i = 0; i < 4; i++) await t.send(`${i}`);
    expect(t.hub.stats().connections.closed).toEqual({ 1008: 1 });
    const other = await t.connect();
    await other.send('more than ten');
    expect(await other.closed).toMatchObject({ code: 1009 });
  });

  test.each<[what: string, start: () => Promise<unknown>, message: RegExp]>([
    [
      'an object for a thread',
      () => testHandler({ message: () => {} }, { real: true }),
      /give the path or the URL/,
    ],
    [
      'fake time for a thread',
      () => testHandler('echo', { real: true, fakeTime: true }),
      /clock of their own/,
    ],
    [
      'data beside a hook',
      () => testHandler('echo', { data: 1, hub: { upgrade: () => undefined } }),
      /both given/,
    ],
    ['no handler', () => testHandler({ mesage: () => {} } as Handler), /none of the hooks/],
  ])('%s is refused', async (_, start, message) => {
    await expect(start()).rejects.toThrow(message);
    await expect(start()).rejects.toBeInstanceOf(HubError);
  });
});

describe('fake time', () => {
  test('moves when it is told to, for timers, for Date, and for the deadline of a hook', async () => {
    const real = Date.now;
    const t = await run(
      {
        message(_connection, message) {
          const began = Date.now();
          const ms = Number(message.text());
          return new Promise<string>((resolve) =>
            setTimeout(() => resolve(`after ${Date.now() - began}`), ms),
          );
        },
      },
      { fakeTime: true, hub: { handlerTimeoutMs: 60_000 } },
    );
    await t.send('59000');
    await t.advance(58_999);
    expect(t.received).toEqual([]);
    await t.advance(1);
    expect(await t.next()).toBe('after 59000');
    await t.send('61000');
    await t.advance(61_000);
    expect(await t.closed).toEqual({ code: 1011, reason: 'the handler took too long' });
    await t.stop();
    expect(Date.now).toBe(real);
  });

  test('is not moved where it goes by itself', async () => {
    const t = await run('echo');
    await expect(t.advance(1)).rejects.toThrow('set fakeTime');
  });
});
