/** Workers that die amid messages: what had finished is delivered, what had begun is closed, what had not begun goes again. */
import { describe, expect, test } from 'vitest';
import type { WsClient } from '../../support/clients/ws-client.js';
import { setUpCrash } from '../../support/faults/crash.js';
import { until } from '../../support/until.js';

describe('a worker that dies', () => {
  test('between finishing a message and reporting it: the reply arrives', async () => {
    const { own, together, exits, holder } = await setUpCrash(3);
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

  test('right behind a message that it finished: the reply arrives', async () => {
    const { own, others, exits } = await setUpCrash(2);
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
    const { own, together, exits } = await setUpCrash(2);
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
    const { hub, own, barriers, exits } = await setUpCrash(2);
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
    const { own, barriers, together, exits } = await setUpCrash(3);
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
    const { own, barriers, together } = await setUpCrash(3);
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

  test('a connection that its handler closed: what waited behind that is not processed by the replacement', async () => {
    const { hub, own, barriers, exits } = await setUpCrash(2);
    const [poisoned, closing] = own as [WsClient, WsClient];
    poisoned.send('wait');
    await barriers.waitFor('waiting', 1);
    closing.send('close');
    await barriers.waitFor('waiting', 2);
    closing.send('note 1');
    closing.send('note 2');
    poisoned.send('exit');
    await until('all to be accepted', () => hub.stats().messages.received === 5);
    // Both go on in the same turn of microtasks; then what waits behind the first one is next.
    barriers.lift('pass');
    expect(await closing.closed).toMatchObject({ code: 4000 });
    expect((await poisoned.closed).code).toBe(1011);
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    await until('the worker to be back', () => hub.stats().workerRestarts === 1);
    expect(barriers.notes('seen')).toEqual([]);
    expect(exits).toMatchObject([{ shard: 0, connections: 1 }]);
    expect(hub.stats().messages.inFlightBytes).toBe(0);
  });

  test('a hook whose peer left before it began is told by the replacement, whatever waits behind it', async () => {
    const { hub, own, holder, barriers } = await setUpCrash(2);
    const [poisoned, leaving] = own as [WsClient, WsClient];
    holder.send('hold');
    await barriers.waitFor('holding');
    poisoned.send('exit');
    await until('the poison to be accepted', () => hub.stats().messages.received === 2);
    // More than its share of the ring, so that its end waits in front of it.
    for (let i = 0; i < 300; i++) leaving.send('endless');
    await until('all to be accepted', () => hub.stats().messages.received === 302);
    const open = hub.stats().connections.open;
    leaving.destroy();
    await until('it to be gone', () => hub.stats().connections.open === open - 1);
    barriers.lift('release');
    expect((await poisoned.closed).code).toBe(1011);
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats()).toMatchObject({ handlerTimeouts: 0, workerExits: 1, messages: { inFlightBytes: 0 } });
  });

  test('large messages and those that wait for room go again, in order and once', async () => {
    const { hub, own, others, barriers, together } = await setUpCrash(3);
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
