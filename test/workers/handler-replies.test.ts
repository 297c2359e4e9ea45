/** What a handler returns, and what its connection gets for it. */

import { Prng } from 'shardhub/testing';
import { describe, expect, test } from 'vitest';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { makeMessage } from '../support/protocol/traffic.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const bytes = (...values: number[]) => Buffer.from(values);

/** By kind: the replies, strings for text frames and buffers for binary frames. */
const REPLIES: Record<string, (string | Buffer)[]> = {
  string: ['text ✓'],
  'empty-string': [''],
  bytes: [bytes(1, 2, 3)],
  'empty-bytes': [bytes()],
  view: [bytes(1, 2, 3)],
  node: [Buffer.from('node')],
  arraybuffer: [bytes(4, 5, 6)],
  'msg in text': ['msg in text'],
  undefined: [],
  null: [],
  promise: ['promised'],
  'promise-undefined': [],
  'promise-late': [bytes(7)],
  'promise-iterable': ['a', bytes(8)],
  array: ['one', bytes(2), 'array'],
  'empty-array': [],
  set: ['x', 'y'],
  generator: ['g1', bytes(71, 50), 'g3'],
  'async-generator': ['a1', 'async-generator', bytes(65, 51)],
};

describe.each([2, 0])('workers: %i', (workers) => {
  test.each(Object.entries(REPLIES))('%s', async (kind, replies) => {
    const { hub } = await startHub({ workers, handler: fixture('kinds.mjs') });
    const client = await WsClient.connect(hub.wsUrl);
    client.send(kind);
    // Whatever comes before the echo of this one belongs to the kind.
    client.send(bytes(0));
    const received = await client.collect(replies.length + 1);
    const expected = replies.map((data) => ({ data: Buffer.from(data), isBinary: typeof data !== 'string' }));
    expect(received).toEqual([...expected, { data: bytes(0), isBinary: true }]);
  });

  test('all kinds at once, in order', async () => {
    const { hub } = await startHub({ workers, handler: fixture('kinds.mjs') });
    const client = await WsClient.connect(hub.wsUrl);
    const random = new Prng(7);
    const asked = Array.from({ length: 300 }, () => random.pick(Object.keys(REPLIES)));
    for (const kind of asked) client.send(kind);
    const expected = asked.flatMap((kind) => REPLIES[kind]!);
    const received = await client.collect(expected.length);
    expect(received.map(({ data, isBinary }) => (isBinary ? data : data.toString()))).toEqual(expected);
  });

  test.each(['number', 'object', 'boolean', 'array-of-numbers'])(
    'a %s is no reply: 1011, and a log line that says what it was',
    async (kind) => {
      const { hub, log } = await startHub({ workers, handler: fixture('kinds.mjs') });
      const [client, bystander] = [await WsClient.connect(hub.wsUrl), await WsClient.connect(hub.wsUrl)];
      client.send(kind);
      expect(await client.closed).toMatchObject({ code: 1011, reason: expect.stringMatching(/\S/) });
      expect(await bystander.ask('string')).toBe('text ✓');
      expect(hub.stats().handlerErrors).toBe(1);
      const lines = log.filter(({ level }) => level === 'error');
      expect(lines).toHaveLength(1);
      const what = { number: '42', object: 'not', boolean: 'true', 'array-of-numbers': '1' }[kind]!;
      expect(JSON.stringify(lines[0])).toContain(what);
    },
  );

  test.each(['text', 'bytes'])('20 MiB of %s, among small ones', async (kind) => {
    const { hub } = await startHub({
      workers,
      handler: fixture('replies.mjs'),
      maxQueueBytes: 64 * 1024 * 1024,
    });
    const client = await WsClient.connect(hub.wsUrl, { maxPayload: 32 * 1024 * 1024 });
    const size = 20 * 1024 * 1024;
    client.send('before');
    client.send(`reply big ${size} ${kind}`);
    client.send('after');
    const [before, big, after] = await client.collect(3);
    expect([before?.data.toString(), after?.data.toString()]).toEqual(['before', 'after']);
    expect(big?.isBinary).toBe(kind === 'bytes');
    expect(big?.data.equals(Buffer.from('big '.padEnd(size, 'x')))).toBe(true);
  });

  test('a message that was kept stays as it was, though the memory it came in is used again', async () => {
    const { hub } = await startHub({ workers, handler: fixture('keeping.mjs') });
    const [keeper, ...others] = await connectMany(hub.wsUrl, 5);
    const kept = [Buffer.alloc(2000, 'k'), Buffer.alloc(300, 'p')];
    for (const data of kept) keeper!.socket.send(data, { binary: true });
    await until('both to be kept', () => hub.stats().messages.inFlight === 0);

    // More than fits into the memory between the threads, through every worker.
    const count = 399;
    const check = async (client: WsClient, seed: number) => {
      for (let i = 0; i < count; i++)
        client.socket.send(makeMessage(seed, i).data, { binary: makeMessage(seed, i).isBinary });
      for (let i = 0; i < count; i++) {
        const [received, sent] = [await client.next(), makeMessage(seed, i)];
        if (received.isBinary !== sent.isBinary || !received.data.equals(sent.data))
          throw new Error(`message ${i} of client ${seed} came back changed`);
      }
    };
    await Promise.all(others.map(check));

    keeper!.send('the third');
    const replies = await keeper!.collect(3);
    expect(replies.map(({ data }) => data)).toEqual([...kept, Buffer.from('the third')]);
  });

  test('a borrowed message expires; what was read in time stays', async () => {
    const { hub } = await startHub({ workers, handler: fixture('borrowed.mjs') });
    const client = await WsClient.connect(hub.wsUrl);
    for (const text of ['unread', 'read', 'go']) client.send(text);
    expect(await client.collectTexts(4)).toEqual(['read', 'ERR_MESSAGE_EXPIRED', 'read', 'read']);
  });
});

test('the handler done answers "<text> done" in binary', async () => {
  const { hub } = await startHub({ handler: 'done' });
  const client = await WsClient.connect(hub.wsUrl);
  client.send('työ');
  client.send(Buffer.from('bytes'));
  client.send('');
  expect(await client.collect(3)).toEqual(
    ['työ done', 'bytes done', ' done'].map((text) => ({ data: Buffer.from(text), isBinary: true })),
  );
});
