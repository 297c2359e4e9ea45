/** The built-in handler `chat`: rooms, presence and history, over two workers and a crash. */
import type { Hub } from 'shardhub';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

interface Event {
  type: string;
  id: string;
  name: string;
  text: string;
  people: { name: string }[];
  history: Event[];
}

async function next(client: WsClient): Promise<Event> {
  return JSON.parse(await client.nextText());
}

async function join(hub: Hub, name: string, room?: string) {
  const query = new URLSearchParams({ name, ...(room === undefined ? {} : { room }) });
  const client = await WsClient.connect(`${hub.wsUrl}?${query}`);
  const welcome = await next(client);
  expect(welcome.type).toBe('welcome');
  return { client, welcome, names: welcome.people.map((person) => person.name) };
}

const rooms = Array.from({ length: 8 }, (_, i) => `room-${i}`);

test('everybody in a room hears every line, in one order, and nobody else does', async () => {
  const { hub } = await startHub({ handler: 'chat' });
  for (const room of rooms) {
    const [ann, bob] = [(await join(hub, 'ann', room)).client, (await join(hub, 'bob', room)).client];
    expect(await next(ann)).toMatchObject({ type: 'join', name: 'bob' });
    for (let i = 0; i < 20; i++) (i % 2 === 0 ? ann : bob).send(`${room} ${i}`);
    const heard = await Promise.all([ann, bob].map((client) => client.collectTexts(20)));
    expect(heard[0]).toEqual(heard[1]);
    const lines = heard[0]!.map((text) => JSON.parse(text) as Event);
    expect(lines.map(({ text }) => text).sort()).toEqual(
      Array.from({ length: 20 }, (_, i) => `${room} ${i}`).sort(),
    );
    for (const line of lines)
      expect(line.name).toBe(Number(line.text.split(' ')[1]) % 2 === 0 ? 'ann' : 'bob');
  }
  // Both workers had rooms.
  for (const shard of hub.stats().shards) expect(shard.connections).toBeGreaterThan(0);
});

test('who joins is told who is there and what was said last; the others are told of joins and leaves', async () => {
  const { hub } = await startHub({ handler: 'chat' });
  const { client: ann, names } = await join(hub, 'ann');
  expect(names).toEqual(['ann']);
  for (let i = 0; i < 60; i++) ann.send(`line ${i}`);
  await ann.collect(60);
  const bob = await join(hub, 'bob', 'lobby');
  expect(bob.names).toEqual(['ann', 'bob']);
  expect(bob.welcome.history.map(({ text }) => text)).toEqual(
    Array.from({ length: 50 }, (_, i) => `line ${i + 10}`),
  );
  const joined = await next(ann);
  expect(joined).toMatchObject({ type: 'join', name: 'bob' });
  await bob.client.close();
  expect(await next(ann)).toEqual({ type: 'leave', id: joined.id, name: 'bob' });
  expect((await join(hub, 'cid')).names).toEqual(['ann', 'cid']);
});

test('a room that everybody has left starts afresh', async () => {
  const { hub } = await startHub({ handler: 'chat', workers: 1 });
  const { client } = await join(hub, 'ann');
  client.send('gone soon');
  await next(client);
  await client.close();
  await until('it to have left', () => hub.stats().messages.inFlight === 0);
  expect((await join(hub, 'bob')).welcome).toMatchObject({ people: [{ name: 'bob' }], history: [] });
});

test('what is no line is answered with an error, to its sender alone', async () => {
  const { hub } = await startHub({ handler: 'chat' });
  const { client: ann } = await join(hub, 'ann');
  const { client: bob } = await join(hub, 'bob');
  await next(ann);
  for (const bad of ['', 'x'.repeat(4001), Buffer.from('bytes')]) {
    ann.send(bad);
    expect(await next(ann)).toEqual({ type: 'error', text: expect.stringContaining('1 to 4000') });
  }
  ann.send('fine');
  expect((await next(bob)).text).toBe('fine');
});

test('names may be missing or long; a room with a name that is too long is refused', async () => {
  const { hub } = await startHub({ handler: 'chat' });
  const [connection] = [(await join(hub, '')).welcome, ...hub.connections()].slice(1) as { id: string }[];
  const { names } = await join(hub, 'n'.repeat(50));
  expect(names).toEqual([connection!.id, 'n'.repeat(40)]);
  const client = await WsClient.connect(`${hub.wsUrl}?room=${'é'.repeat(61)}`);
  expect(await client.closed).toEqual({ code: 1008, reason: 'room is over 60 characters' });
  expect((await join(hub, 'ann', '€'.repeat(60))).names).toEqual(['ann']);
});

test('a worker that dies takes the history of its rooms, and nobody who did not die with it', async () => {
  const { hub } = await startHub({ handler: fixture('mortal-chat.mjs'), affinity: 'query:room=lobby' });
  const people = await Promise.all(['ann', 'bob', 'cid'].map((name) => join(hub, name)));
  const [ann, bob, cid] = people.map(({ client }) => client) as [WsClient, WsClient, WsClient];
  await until('all to know of all', () => hub.topics().get('chat/lobby') === 3);
  ann.send('before');
  for (const client of [ann, bob, cid])
    await until('the line', async () => (await next(client)).text === 'before');
  cid.send('die');
  expect((await cid.closed).code).toBe(1011);
  // No join, no leave: who is there is told as a whole, as often as it takes to be complete.
  const seen: Event[] = [];
  for (const client of [ann, bob]) {
    let event: Event;
    do {
      event = await next(client);
      seen.push(event);
    } while (event.people.length < 2);
    expect(event.people.map(({ name }) => name).sort()).toEqual(['ann', 'bob']);
  }
  expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['people']));
  ann.send('after');
  for (const client of [ann, bob]) expect((await next(client)).text).toBe('after');
  const dan = await join(hub, 'dan');
  expect(dan.names.sort()).toEqual(['ann', 'bob', 'dan']);
  expect(dan.welcome.history.map(({ text }) => text)).toEqual(['after']);
  await bob.close();
  expect([await next(ann), await next(ann)]).toMatchObject([
    { type: 'join', name: 'dan' },
    { type: 'leave', name: 'bob' },
  ]);
});
