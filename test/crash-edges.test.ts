/** Workers that die at awkward moments: what had finished is delivered, what had begun is closed, what had not begun goes again. */
import { describe, expect, test } from 'vitest';
import type { WorkerExitEvent } from '../src/hub/events.js';
import { Barriers } from './support/barriers.js';
import { fixture, startHub } from './support/hubs.js';
import { connectOnShards } from './support/shards.js';
import { until } from './support/until.js';
import type { WsClient } from './support/ws-client.js';

/** A hub, `count` connections on shard 0, two on shard 1, and one more on shard 0 that holds its thread. */
async function setUp(count: number, query = '') {
  const { hub, log } = await startHub({ handler: fixture('deaths.mjs') });
  const barriers = new Barriers();
  const exits: WorkerExitEvent[] = [];
  hub.on('workerExit', (event) => exits.push(event));
  const [own, others] = await connectOnShards(hub, count + 1, barriers.url(hub.wsUrl) + query);
  const holder = own.pop()!;
  /** Sends while the thread is held, so that all of it is in the ring, in this order, when the thread goes on. */
  const together = async (steps: [WsClient, string | Uint8Array][]) => {
    holder.send('hold');
    await barriers.waitFor('holding');
    for (const [client, text] of steps) {
      const before = hub.stats().messages.received;
      client.send(text);
      await until('the message to be accepted', () => hub.stats().messages.received > before);
    }
    barriers.lift('release');
    expect(await holder.nextText()).toBe('held');
  };
  return { hub, log, barriers, exits, own, others, holder, together };
}

describe('a worker that dies', () => {
  test('between finishing a message and reporting it: the reply arrives', async () => {
    const { own, together, exits, holder } = await setUp(3);
    const [a, poisoned, b] = own as [WsClient, WsClient, WsClient];
    await together([
      [a, 'a1'],
      [a, 'a2'],
      [poisoned, 'finished'],
      [poisoned, 'exit'],
      [b, 'b1'],
      [a, 'a3'],
    ]);
    expect(await a.collectTexts(3)).toEqual(['a1', 'a2', 'a3']);
    expect(await b.nextText()).toBe('b1');
    expect(await poisoned.nextText()).toBe('finished');
    expect((await poisoned.closed).code).toBe(1011);
    expect(exits).toMatchObject([{ shard: 0, connections: 1 }]);
    for (const client of [a, b, holder]) expect(await client.ask('restarted')).toBe('true 1');
  });

  test('in the turn in which it finished a message, before it rang: the reply arrives', async () => {
    const { own, others, exits } = await setUp(2);
    const [a, poisoned] = own as [WsClient, WsClient];
    for (const client of [a, poisoned]) await client.ask('warm');
    a.send('a1');
    poisoned.send('finished');
    poisoned.send('exit');
    expect(await a.nextText()).toBe('a1');
    expect(await poisoned.nextText()).toBe('finished');
    expect((await poisoned.closed).code).toBe(1011);
    expect(await others[0]!.ask('still there')).toBe('still there');
    expect(exits).toMatchObject([{ shard: 0, connections: 1 }]);
  });

  test.each(['async', 'deep', 'items'])('%s never really waits, so it is no victim', async (way) => {
    const { own, together, exits } = await setUp(2);
    const [a, poisoned] = own as [WsClient, WsClient];
    await together([
      [a, `${way} 1`],
      [poisoned, 'exit'],
    ]);
    expect(await a.nextText()).toBe(`${way} 1`);
    expect(await a.ask('still there')).toBe('still there');
    expect((await poisoned.closed).code).toBe(1011);
    expect(exits).toMatchObject([{ connections: 1 }]);
  });

  test('deferred messages that never really wait are no victims either', async () => {
    const { hub, own, barriers, exits } = await setUp(2);
    const [a, poisoned] = own as [WsClient, WsClient];
    a.send('wait 1');
    await barriers.waitFor('waiting', 1);
    poisoned.send('wait 2');
    await barriers.waitFor('waiting', 2);
    a.send('async behind');
    poisoned.send('exit');
    await until('both to be accepted', () => hub.stats().messages.received === 4);
    // Both go on in the same turn of microtasks: what waits behind the first one has finished before `exit` begins.
    barriers.lift('pass');
    expect((await poisoned.closed).code).toBe(1011);
    expect(await a.collectTexts(2)).toEqual(['wait 1', 'async behind']);
    expect(exits).toMatchObject([{ connections: 1 }]);
  });

  test('handlers that truly wait are victims, and what is behind is not processed', async () => {
    const { own, barriers, together, exits } = await setUp(3);
    const [waiting, poisoned, b] = own as [WsClient, WsClient, WsClient];
    await together([
      [waiting, 'wait'],
      [waiting, 'note behind the one that waits'],
      [poisoned, 'exit'],
      [poisoned, 'note behind the poison'],
      [b, 'note b'],
    ]);
    expect((await waiting.closed).code).toBe(1011);
    const { code, reason } = await poisoned.closed;
    expect(code).toBe(1011);
    expect(reason).toMatch(/\S/);
    expect(await b.nextText()).toBe('note b');
    expect(exits).toMatchObject([{ shard: 0, connections: 2 }]);
    expect(barriers.notes('seen')).toEqual(['b']);
    expect(waiting.waiting + poisoned.waiting).toBe(0);
  });

  test('a connection that failed before: what it sent behind is not processed by the replacement', async () => {
    const { own, barriers, together } = await setUp(3);
    const [failed, poisoned, b] = own as [WsClient, WsClient, WsClient];
    await together([
      [failed, 'throw'],
      [poisoned, 'exit'],
      [failed, 'note behind the failure'],
      [b, 'note b'],
    ]);
    expect((await failed.closed).code).toBe(1011);
    expect(await b.nextText()).toBe('note b');
    expect(barriers.notes('seen')).toEqual(['b']);
  });

  test('with nothing to do: nobody pays, and everybody is introduced again', async () => {
    const { hub, own, barriers, others, exits, holder } = await setUp(3);
    expect(await own[0]!.ask('exit-later')).toBe('exit-later');
    await barriers.waitForNotes('open', 8);
    barriers.lift('fire');
    await until('the worker to be back', () => hub.stats().workerRestarts === 1);
    expect(exits).toMatchObject([{ shard: 0, connections: 0 }]);
    // Also the ones that say nothing.
    const notes = await barriers.waitForNotes('open', 12);
    expect(notes.slice(8).every((line) => line.endsWith(' true'))).toBe(true);
    for (const client of [...own, holder]) expect(await client.ask('restarted')).toBe('true 1');
    for (const client of others) expect(await client.ask('restarted')).toBe('false 1');
    expect(hub.stats()).toMatchObject({ crashed: 0, connections: { open: 8 } });
  });

  test('twice in a row: the replacement dies at its first message', async () => {
    const { hub, own, together, exits } = await setUp(4);
    const [a, first, second, b] = own as [WsClient, WsClient, WsClient, WsClient];
    await together([
      [a, 'a1'],
      [first, 'exit'],
      [second, 'exit'],
      [a, 'a2'],
      [b, 'b1'],
      [b, 'b2'],
    ]);
    expect(await a.collectTexts(2)).toEqual(['a1', 'a2']);
    expect(await b.collectTexts(2)).toEqual(['b1', 'b2']);
    expect((await first.closed).code).toBe(1011);
    expect((await second.closed).code).toBe(1011);
    expect(exits).toMatchObject([{ connections: 1 }, { connections: 1 }]);
    expect(hub.stats()).toMatchObject({ crashed: 2, messages: { inFlight: 0 } });
  });

  test('twice in a row: the replacement dies in open', async () => {
    const { hub, barriers, own, others, exits } = await setUp(2);
    const [fragile] = (await connectOnShards(hub, 1, `${barriers.url(hub.wsUrl)}&dies-when-restarted`))[0];
    own[0]!.send('exit');
    expect((await own[0]!.closed).code).toBe(1011);
    expect((await fragile!.closed).code).toBe(1011);
    expect(await own[1]!.ask('restarted')).toBe('true 1');
    expect(await others[0]!.ask('restarted')).toBe('false 1');
    expect(exits).toMatchObject([{ connections: 1 }, { connections: 1 }]);
  });

  test('what is sent while there is no worker is answered by the next', async () => {
    const { hub } = await startHub({ handler: fixture('deaths.mjs') });
    const [[survivor, poisoned]] = (await connectOnShards(hub, 2)) as [[WsClient, WsClient], WsClient[]];
    hub.once('workerExit', () => survivor.send('while it is down'));
    hub.once('workerRestart', () => expect(hub.stats().messages.received).toBe(2));
    poisoned.send('exit');
    expect(await survivor.nextText()).toBe('while it is down');
  });

  test('during a drain: what the others have sent is answered, and close resolves', async () => {
    const { hub, own, barriers, others, holder } = await setUp(3);
    const [a, poisoned, idle] = own as [WsClient, WsClient, WsClient];
    holder.send('hold');
    await barriers.waitFor('holding');
    for (const [client, text] of [
      [a, 'a1'],
      [poisoned, 'exit'],
      [a, 'a2'],
    ] as const) {
      const before = hub.stats().messages.received;
      client.send(text);
      await until('the message to be accepted', () => hub.stats().messages.received > before);
    }
    const closing = hub.close();
    barriers.lift('release');
    expect(await holder.nextText()).toBe('held');
    expect(await a.collectTexts(2)).toEqual(['a1', 'a2']);
    await closing;
    expect((await poisoned.closed).code).toBe(1011);
    for (const client of [a, idle, holder, ...others]) expect((await client.closed).code).toBe(1001);
    expect(hub.stats()).toMatchObject({
      state: 'stopped',
      connections: { open: 0 },
      messages: { inFlight: 0 },
    });
  });

  test('large messages and those that wait for room go again, in order and once', async () => {
    const { hub, own, others, barriers, together } = await setUp(3);
    const [a, poisoned, b] = own as [WsClient, WsClient, WsClient];
    const large = (n: number) => Buffer.alloc(300_000 + n, n);
    const small = Array.from({ length: 400 }, (_, n) => `note ${n}`);
    await together([
      [a, large(1)],
      [poisoned, 'exit'],
      ...[2, 3, 4, 5].map((n): [WsClient, Buffer] => [a, large(n)]),
      ...small.map((text): [WsClient, string] => [b, text]),
      [a, 'end'],
    ]);
    const replies = await a.collect(6);
    expect(replies.slice(0, 5).map(({ data }, i) => data.equals(large(i + 1)))).toEqual(Array(5).fill(true));
    expect(replies[5]!.data.toString()).toBe('end');
    expect(await b.collectTexts(400)).toEqual(small);
    expect(barriers.notes('seen')).toEqual(small.map((text) => text.slice(5)));
    expect((await poisoned.closed).code).toBe(1011);
    expect(await others[0]!.ask('restarted')).toBe('false 1');
    expect(hub.stats()).toMatchObject({ crashed: 1, messages: { inFlight: 0, inFlightBytes: 0 } });
  });
});
