/**
 * What docs/reliability.md says of memory, measured: one kind of hostile or slow peers in each row, the growth of the
 * hub's process at its peak beside the bound that is stated, and a bystander who is answered all the while.
 *
 * SHARDHUB_BOUNDS prints the table, and makes each peer go on so many times as long (1 is what the suite does).
 */
import { deflateRawSync } from 'node:zlib';
import type { HubOptions } from 'shardhub';
import { afterAll, expect, test } from 'vitest';
import { handshakeRequest, RawClient } from '../support/clients/raw-client.js';
import { throttle } from '../support/clients/throttle.js';
import { WsClient } from '../support/clients/ws-client.js';
import { encodeFrame, Opcode } from '../support/protocol/frames.js';
import { fixture } from '../support/servers/hubs.js';
import { type MeasuredHub, startMeasuredHub } from '../support/servers/measured-hub.js';
import { until } from '../support/until.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const TIMES = Number(process.env.SHARDHUB_BOUNDS ?? 1);

/** What a process may take beside what it holds of messages: garbage before it is collected, rings, pooled memory. */
const SPARE = 64 * MIB;
/** Small, so that a peer reaches them soon. */
const BOUNDS = {
  maxPayload: MIB,
  maxQueueBytes: 8 * MIB,
  maxBufferedBytes: 32 * MIB,
  maxInFlightBytesPerConnection: 8 * MIB,
  maxInFlightBytes: 32 * MIB,
} satisfies HubOptions;

interface Row {
  readonly peers: string;
  readonly handler: string;
  readonly options?: HubOptions;
  /** How much is held of messages at most, and why. */
  readonly held: number;
  readonly stated: string;
  /** Does what such peers do, until it is cut off or has done a lot of it. */
  readonly attack: (hub: MeasuredHub) => Promise<unknown>;
}

const opened = new Set<RawClient>();

/** Opens so many connections, one after the other. */
async function open(hub: MeasuredHub, count: number, input?: object): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) clients.push(await RawClient.open(hub.port, input));
  for (const client of clients) opened.add(client);
  return clients;
}

/** Writes the same bytes again and again, as fast as they are taken, until the connection is over. */
async function pour(client: RawClient, bytes: Uint8Array, times: number): Promise<void> {
  let isOver = false;
  void client.ended.then(() => {
    isOver = true;
  });
  for (let i = 0; i < times * TIMES && !isOver; i++) {
    client.write(bytes);
    await client.flushed();
  }
}

/** Frames of one kind, about 64 KiB of them. */
function frames(opcode: number, size: number, fin = true): Buffer {
  const frame = encodeFrame({ opcode, payload: Buffer.alloc(size), fin });
  return Buffer.concat(Array(Math.ceil((64 * KIB) / frame.length)).fill(frame));
}

/** One peer that sends and does not read. */
const unread = (bytes: Buffer, times: number) => async (hub: MeasuredHub) => {
  const [client] = await open(hub, 1);
  client!.pause();
  await pour(client!, bytes, times);
};

/** One peer that sends and takes what it gets. */
const read = (bytes: Buffer, times: number) => async (hub: MeasuredHub) => {
  const [client] = await open(hub, 1);
  client!.socket.on('data', () => {});
  await pour(client!, bytes, times);
};

/** Polite clients: one message after the other, each in flight alone. */
const oneByOne = (sizes: number[], inFlight: number) => async (hub: MeasuredHub) => {
  const client = await WsClient.connect(hub.wsUrl);
  for (let i = 0; i < 100 * TIMES; i++) {
    const data = Buffer.alloc(sizes[i % sizes.length]!, i);
    for (let sent = 0; sent < inFlight; sent++) client.send(data);
    for (let got = 0; got < inFlight; got++)
      if (!data.equals((await client.next()).data)) throw new Error('a wrong echo');
  }
  await client.close();
};

const fanOut = (size: number, count: number) => async (hub: MeasuredHub) => {
  const clients = await open(hub, 100);
  for (const client of clients) {
    client.text('subscribe news');
    await client.nextFrame();
    client.pause();
  }
  const publisher = await WsClient.connect(hub.wsUrl);
  const text = 'x'.repeat(size);
  for (let i = 0; i < count * TIMES; i++) {
    publisher.send(`publish news ${text}`);
    // It is answered behind its publishes.
    if (i % 10 === 9) await publisher.ask(`at ${i}`);
  }
};

const pipelined = (count: number, request: string) => async (hub: MeasuredHub) => {
  const requests = Buffer.from(request.repeat(500));
  await Promise.all(
    Array.from({ length: count }, async () => {
      const client = await RawClient.dial(hub.port);
      client.pause();
      await pour(client, requests, 20);
    }),
  );
};

const ECHO = 'echo';
const ROWS: Row[] = [
  ...[1, 0].map(
    (workers): Row => ({
      peers: `sends 64 KiB and reads nothing, workers: ${workers}`,
      handler: ECHO,
      options: { workers, slowConsumer: 'drop-newest' },
      held: BOUNDS.maxQueueBytes + BOUNDS.maxInFlightBytesPerConnection,
      stated: 'maxQueueBytes, maxInFlightBytesPerConnection',
      attack: unread(encodeFrame({ opcode: Opcode.Binary, payload: Buffer.alloc(64 * KIB) }), 2000),
    }),
  ),
  {
    peers: 'reads 1 MB/s of what it is sent at full speed',
    handler: ECHO,
    options: { slowConsumer: 'drop-oldest' },
    held: BOUNDS.maxQueueBytes + BOUNDS.maxInFlightBytesPerConnection,
    stated: 'maxQueueBytes, maxInFlightBytesPerConnection',
    attack: async (hub) => {
      const [client] = await open(hub, 1);
      throttle(client!, 1_000_000);
      await pour(client!, frames(Opcode.Binary, 16 * KIB), 2000);
    },
  },
  ...[0, 64, 4096].map(
    (size): Row => ({
      peers: `floods with messages of ${size} B and reads nothing`,
      handler: ECHO,
      held: BOUNDS.maxInFlightBytesPerConnection + BOUNDS.maxQueueBytes,
      stated: 'maxInFlight, maxQueueMessages',
      attack: unread(frames(Opcode.Binary, size), 1000),
    }),
  ),
  ...[Opcode.Ping, Opcode.Pong].flatMap((opcode) =>
    [unread, read].map(
      (way): Row => ({
        peers: `floods with ${opcode === Opcode.Ping ? 'pings' : 'pongs'}, ${way === read ? 'and reads' : 'and reads nothing'}`,
        handler: ECHO,
        held: 0,
        stated: 'nothing of it is kept',
        attack: way(frames(opcode, 100), 1000),
      }),
    ),
  ),
  {
    peers: 'floods with empty fragments of one message',
    handler: ECHO,
    held: 2 * BOUNDS.maxPayload,
    stated: 'twice maxPayload',
    attack: async (hub) => {
      const [client] = await open(hub, 1);
      client!.frame({ opcode: Opcode.Binary, fin: false });
      await pour(client!, frames(Opcode.Continuation, 0, false), 500);
    },
  },
  {
    peers: '20 connections, each with a message of twice the limit that never ends',
    handler: ECHO,
    held: 20 * 2 * 2 * BOUNDS.maxPayload,
    stated: 'twice maxPayload for each, and as much while it grows',
    attack: async (hub) => {
      for (const client of await open(hub, 20)) {
        client.frame({ opcode: Opcode.Binary, fin: false, payload: Buffer.alloc(MIB) });
        client.frame({ opcode: Opcode.Continuation, fin: false, payload: Buffer.alloc(MIB - 1) });
        await client.flushed();
      }
    },
  },
  ...(['shared', 'dedicated'] as const).map(
    (compression): Row => ({
      peers: `a message of 200 MB, compressed to 200 KB (${compression})`,
      handler: ECHO,
      options: { compression },
      held: 2 * 2 * BOUNDS.maxPayload,
      stated: 'twice maxPayload, and as much while it grows',
      attack: async (hub) => {
        const bomb = deflateRawSync(Buffer.alloc(200_000_000));
        const clients = await open(hub, 5, { headers: { 'sec-websocket-extensions': 'permessage-deflate' } });
        for (const client of clients) {
          client.frame({ opcode: Opcode.Binary, rsv: 4, payload: bomb });
          await client.ended;
        }
      },
    }),
  ),
  {
    peers: '500 connections with half a handshake',
    handler: ECHO,
    held: 500 * 16 * KIB,
    stated: '16 KiB of headers for each, 12 seconds',
    attack: async (hub) => {
      const half = handshakeRequest(hub.port, { headers: { cookie: 'x'.repeat(3000) } }).slice(0, -4);
      for (let i = 0; i < 500; i++) (await RawClient.dial(hub.port)).write(half);
    },
  },
  ...['/stats', '/', '/healthz'].map(
    (path): Row => ({
      peers: `50 connections that pipeline GET ${path} and read nothing`,
      handler: ECHO,
      held: 0,
      stated: 'cut off',
      attack: pipelined(50, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`),
    }),
  ),
  {
    peers: '20 connections that pipeline POST /echo of 2 KB and read nothing',
    handler: ECHO,
    held: 0,
    stated: 'cut off',
    attack: pipelined(
      20,
      `POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(2000)}`,
    ),
  },
  {
    peers: '20 streams of 10 MB that nobody reads',
    handler: 'streams.mjs',
    held: BOUNDS.maxBufferedBytes,
    stated: 'maxBufferedBytes',
    attack: async (hub) => {
      for (const client of await open(hub, 20)) {
        client.pause();
        client.text('async 200 50000');
      }
      let before = -1;
      await until(
        'all to wait for their peers',
        async () => {
          const { messages, outbound } = await hub.stats();
          const held = outbound.queuedBytes + outbound.engineBytes;
          const isStill = held > 0 && held === before && messages.inFlight >= 20;
          before = held;
          return isStill;
        },
        { everyMs: 200 },
      );
    },
  },
  ...(['shed', 'drop'] as const).flatMap((overload) =>
    [200, 100_000].map(
      (size): Row => ({
        peers: `100 subscribers that read nothing, ${size} B published at full speed (overload: ${overload})`,
        handler: 'topics.mjs',
        options: { overload, slowConsumer: 'drop-newest' },
        held: BOUNDS.maxBufferedBytes,
        stated: 'maxBufferedBytes',
        attack: fanOut(size, size === 200 ? 2000 : 200),
      }),
    ),
  ),
  ...[1, 0].flatMap((workers) =>
    [ECHO, 'done'].map(
      (handler): Row => ({
        peers: `one polite client, up to 1 MiB, one in flight (${handler}, workers: ${workers})`,
        handler,
        options: { workers },
        held: 0,
        stated: '64 MiB',
        attack: handler === ECHO ? oneByOne([MIB, 300 * KIB, 1, 700 * KIB], 1) : doneOneByOne,
      }),
    ),
  ),
  {
    peers: 'one polite client, 300 KB, two in flight',
    handler: ECHO,
    held: 0,
    stated: '64 MiB',
    attack: oneByOne([300_000], 2),
  },
];

async function doneOneByOne(hub: MeasuredHub): Promise<void> {
  const client = await WsClient.connect(hub.wsUrl);
  for (let i = 0; i < 100 * TIMES; i++) {
    client.send('x'.repeat(MIB - 5));
    await client.next();
  }
  await client.close();
}

const measured: string[] = [];
afterAll(() => {
  if (process.env.SHARDHUB_BOUNDS === undefined) return;
  console.log(['| peers | bound | stated | growth |', '|---|---|---|---|', ...measured].join('\n'));
});

// Tried again: what V8 has not collected yet depends on when its own threads get a core.
test.each(ROWS)(
  '$peers',
  { timeout: 120_000, retry: 2 },
  async ({ peers, handler, options, held, stated, attack }) => {
    const hub = await startMeasuredHub({
      handler: handler.endsWith('.mjs') ? fixture(handler).href : handler,
      workers: 1,
      ...BOUNDS,
      ...options,
    });
    const bystander = await WsClient.connect(hub.wsUrl);
    const { rss } = await hub.level();
    let isOver = false;
    const attacked = attack(hub).finally(() => {
      isOver = true;
    });
    let asked = 0;
    // What is dropped over the bound of the process may be anybody's.
    if (options?.overload === 'drop') await attacked;
    // For as long as it lasts, and twice after it.
    for (let after = 0; after < 2 && options?.overload !== 'drop'; after += isOver ? 1 : 0) {
      bystander.send(`${++asked}`);
      expect((await bystander.next()).data.toString()).toMatch(new RegExp(`^${asked}( done)?$`));
    }
    await attacked;
    const growth = (await hub.peakMemory()) - rss;
    const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
    measured.push(`| ${peers} | ${inMib(held)} + ${inMib(SPARE)} | ${stated} | ${inMib(growth)} |`);
    expect(growth).toBeLessThan(held + SPARE);
    for (const client of opened) client.destroy();
    opened.clear();
    await until('nothing to be in flight', async () => (await hub.stats()).messages.inFlight === 0);
  },
);
