/** The option `ordering`: which messages of a connection are worked on side by side, and in which order replies leave. */
import type { HubOptions } from 'shardhub';
import { Prng } from 'shardhub/testing';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { connectMany, type Received, WsClient } from '../../support/clients/ws-client.js';
import { setUpCrash } from '../../support/faults/crash.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const WAYS = ['now', 'list', 'bytes', 'silent', 'timer', 'timer', 'timer', 'steps', 'many', 'binary'];
const LIMIT = 6;

interface Sent {
  readonly label: string;
  /** What comes back, without what `:n` says. */
  readonly replies: string[];
}

function sendRandom(client: WsClient, random: Prng, serial: number): Sent {
  const way = random.pick(WAYS);
  const label = `${serial}`;
  if (way === 'binary') {
    client.send(Buffer.from(label));
    return { label, replies: [label] };
  }
  client.send(`${way} ${label} ${random.int(0, 8)}`);
  if (way === 'silent') return { label, replies: [] };
  if (way === 'list' || way === 'steps') return { label, replies: [`${label}a`, `${label}b`] };
  return { label, replies: Array(way === 'many' ? 20 : 1).fill(label) };
}

/** `12:3a...` as label and part, and how many were worked on. */
function parse({ data }: Received): { text: string; running: number } {
  const [, label, running = '0', part] = /^(\d+)(?::(\d+))?([ab]?)\.*$/.exec(data.toString()) ?? [];
  if (label === undefined) throw new Error(`a reply that nobody sent: ${data.toString().slice(0, 100)}`);
  return { text: label + part, running: Number(running) };
}

describe.each([2, 0])('workers: %i', (workers) => {
  async function setUp(options: HubOptions) {
    const { hub, log } = await startHub({ workers, handler: fixture('ordering.mjs'), ...options });
    const barriers = new Barriers();
    return { hub, log, barriers, url: barriers.url(hub.wsUrl) };
  }

  test.each(['serial', 'concurrent', 'unordered'] as const)('%s, at random', async (ordering) => {
    const { hub } = await setUp({ ordering, maxConcurrent: LIMIT });
    const clients = await connectMany(hub.wsUrl, 8);
    let most = 0;
    const check = async (client: WsClient, seed: number) => {
      const random = new Prng(seed);
      const sent: string[] = [];
      for (let i = 0; i < 200; i++) {
        sent.push(...sendRandom(client, random, i).replies);
        if (random.chance(0.1)) await until('some replies', () => client.waiting > sent.length / 2);
      }
      const received = (await client.collect(sent.length)).map(parse);
      most = Math.max(most, ...received.map(({ running }) => running));
      const texts = received.map(({ text }) => text);
      if (ordering !== 'unordered') expect(texts).toEqual(sent);
      else {
        expect(texts.toSorted()).toEqual(sent.toSorted());
        // What belongs to one message keeps its order.
        for (const last of texts.filter((text) => text.endsWith('b')))
          expect(texts.indexOf(last)).toBeGreaterThan(texts.indexOf(last.replace('b', 'a')));
      }
    };
    await Promise.all(clients.map(check));
    expect(most).toBe(ordering === 'serial' ? 1 : LIMIT);
    await until('all to be finished', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats()).toMatchObject({
      messages: { received: 1600, inFlightBytes: 0 },
      handlerErrors: 0,
      connections: { open: 8 },
    });
  });

  test('concurrent: replies wait for those of earlier messages, what send says does not', async () => {
    const { hub, barriers, url } = await setUp({ ordering: 'concurrent', maxConcurrent: 5 });
    const client = await WsClient.connect(url);
    for (const text of ['wait a', 'now b', 'send c 0', 'steps d 0', 'timer e 0', 'many f']) client.send(text);
    expect(await client.nextText()).toBe('sent c:2');
    const begun = await barriers.waitForNotes('begun', 6);
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    await until('d and e to be done', () =>
      ['d', 'e'].every((l) => barriers.notes('steps').includes(`done ${l}`)),
    );
    expect(client.waiting).toBe(0);
    expect(hub.stats().messages.inFlight).toBe(6);
    barriers.lift('pass');
    const texts = (await client.collectTexts(6 + 19)).map((text) => text[0]);
    expect(texts.join('')).toBe(`abcdde${'f'.repeat(19)}`);
  });

  test('unordered: replies leave as they come', async () => {
    const { barriers, url } = await setUp({ ordering: 'unordered' });
    const client = await WsClient.connect(url);
    for (const text of ['wait a', 'now b', 'steps c 0', 'timer d 50']) client.send(text);
    expect((await client.collectTexts(4)).map((text) => text[0])).toEqual(['b', 'c', 'c', 'd']);
    barriers.lift('pass');
    expect(await client.nextText()).toBe('a:1');
  });

  test.each(['concurrent', 'unordered'] as const)('%s: so many at a time, and no more', async (ordering) => {
    const { hub, barriers, url } = await setUp({ ordering, maxConcurrent: 3 });
    const client = await WsClient.connect(url);
    for (const label of ['a', 'b', 'c', 'd']) client.send(`wait ${label}`);
    client.send('now e');
    await barriers.waitFor('waiting', 3);
    const other = await WsClient.connect(url);
    expect(await other.ask('now other')).toBe('other:1');
    expect(barriers.notes('begun')).toEqual(['a', 'b', 'c', 'other']);
    expect(hub.stats().messages.inFlight).toBe(5);
    barriers.lift('pass');
    const replies = (await client.collectTexts(5)).map((text) => text[0]);
    if (ordering === 'concurrent') expect(replies).toEqual(['a', 'b', 'c', 'd', 'e']);
    else expect(replies.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test.each(['concurrent', 'unordered'] as const)(
    '%s: open before, close after everything else',
    async (ordering) => {
      const { barriers, url } = await setUp({ ordering });
      const client = await WsClient.connect(url);
      for (const label of ['a', 'b']) client.send(`wait ${label}`);
      await barriers.waitFor('waiting', 2);
      client.destroy();
      const other = await WsClient.connect(url);
      expect(await other.ask('now c')).toBe('c:1');
      barriers.lift('pass');
      const steps = (await barriers.waitForNotes('steps', 6)).filter((line) => line !== 'done c');
      expect(steps[0]).toBe('open');
      const ends = steps.filter((line) => line !== 'open').map((line) => line.slice(0, 7));
      expect(ends.slice(0, 2).toSorted()).toEqual(['done a', 'done b']);
      expect(ends[2]).toBe('close 0');
    },
  );

  test('concurrent, ignore: what failed has no reply, everything else does', async () => {
    const { hub, barriers, url } = await setUp({ ordering: 'concurrent', onHandlerError: 'ignore' });
    const client = await WsClient.connect(url);
    for (const text of ['wait a', 'throw b', 'reject c 1', 'timer d 1', 'now e']) client.send(text);
    await barriers.waitForNotes('begun', 5);
    barriers.lift('pass');
    expect((await client.collectTexts(3)).map((text) => text[0])).toEqual(['a', 'd', 'e']);
    expect(hub.stats()).toMatchObject({ handlerErrors: 2, connections: { open: 1 } });
  });

  test.each(['concurrent', 'unordered'] as const)(
    '%s: a hook that is late costs its connection at once',
    async (ordering) => {
      const { hub, url } = await setUp({ ordering, handlerTimeoutMs: 150 });
      const [client, other] = [await WsClient.connect(url), await WsClient.connect(url)];
      for (const text of ['hang a', 'now b', 'timer c 0', 'hang d']) client.send(text);
      expect((await client.closed).code).toBe(1011);
      expect(client.waiting).toBe(ordering === 'concurrent' ? 0 : 2);
      expect(await other.ask('now e')).toBe('e:1');
      await until('all to be finished', () => hub.stats().messages.inFlight === 0);
      expect(hub.stats()).toMatchObject({ workerExits: 0, connections: { open: 1 } });
    },
  );
});

describe.each(['concurrent', 'unordered'] as const)('%s: a worker that dies', (ordering) => {
  test('costs the connections with a message that had begun and not finished', async () => {
    const { hub, own, others, barriers, together, exits } = await setUpCrash(4, '', {
      ordering,
      maxConcurrent: 2,
    });
    const [waiting, poisoned, finished, idle] = own as [WsClient, WsClient, WsClient, WsClient];
    await together([
      [waiting, 'wait'],
      [waiting, 'note beside the one that waits'],
      [waiting, 'wait'],
      [waiting, 'note behind two that wait'],
      [finished, 'async 1'],
      [finished, 'note 2'],
      [poisoned, 'exit'],
      [poisoned, 'note behind the poison'],
      [finished, 'note 3'],
    ]);
    expect((await waiting.closed).code).toBe(1011);
    expect((await poisoned.closed).code).toBe(1011);
    expect(await finished.collectTexts(3)).toEqual(['async 1', 'note 2', 'note 3']);
    expect(await idle.ask('restarted')).toBe('true 1');
    expect(await others[0]!.ask('restarted')).toBe('false 1');
    // Once each, and nothing of those that paid that had not begun.
    expect(barriers.notes('seen')).toEqual(['beside the one that waits', '2', '3']);
    // A reply that waits for an earlier one dies with it.
    expect(waiting.waiting).toBe(ordering === 'concurrent' ? 0 : 1);
    expect(exits).toMatchObject([{ shard: 0, connections: 2 }]);
    expect(hub.stats()).toMatchObject({ crashed: 2, messages: { inFlight: 0, inFlightBytes: 0 } });
  });
});
