/** Workers that die at awkward moments of the hub: idle, twice in a row, with messages on the way, and during a drain. */
import { describe, expect, test } from 'vitest';
import type { WsClient } from '../../support/clients/ws-client.js';
import { setUpCrash } from '../../support/faults/crash.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { connectOnShards } from '../../support/servers/shards.js';
import { until } from '../../support/until.js';

describe('a worker that dies', () => {
  test('with nothing to do: nobody pays, and everybody is introduced again', async () => {
    const { hub, own, barriers, others, exits, holder } = await setUpCrash(3);
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
    const { hub, own, together, exits } = await setUpCrash(4);
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
    // Those that said nothing are introduced behind the others.
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats().crashed).toBe(2);
  });

  test('twice in a row: the replacement dies in open', async () => {
    const { hub, barriers, own, others, exits } = await setUpCrash(2);
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
    const { hub, own, barriers, others, holder } = await setUpCrash(3);
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
});
