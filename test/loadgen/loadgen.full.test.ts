/** The load generator against servers that are right and servers that are wrong, each in its own way. */
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import { type LoadOptions, type LoadResult, runLoad } from '../../dist/loadgen/index.js';
import { freePort } from '../support/processes/ports.js';
import { acceptFor } from '../support/protocol/accept.js';
import { expectRight, NO_ERRORS } from '../support/protocol/load.js';
import {
  type Answer,
  echo,
  exceptSecond,
  startEchoServer,
  startRawServer,
} from '../support/servers/echo-servers.js';
import { startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const IN_FLIGHT = 4;
/** Message 1 is wrong where one is: it is among those that are sent at once. */
const SHORT = { connections: 1, inFlight: IN_FLIGHT, durationMs: 100, warmupMs: 0 } as const;

describe('a hub', () => {
  test.each([
    { size: 12 },
    { size: 13, binary: false },
    { size: 64, connections: 20, inFlight: 16 },
    { size: 64, binary: false, connections: 20, inFlight: 16, threads: 3 },
    { size: 125 },
    { size: 126 },
    { size: 269, binary: false },
    { size: 16_384, connections: 5, inFlight: 8 },
    { size: 65_535, inFlight: 3 },
    { size: 65_536, inFlight: 3, binary: false },
    { size: 70 * 1024, connections: 3, inFlight: 3 },
    { rate: 500, connections: 3 },
    { rate: 500, connections: 5, threads: 2, binary: false },
  ] satisfies Partial<LoadOptions>[])('answers every message of %j', async (options) => {
    const { hub } = await startHub();
    const defaults = { connections: 2, inFlight: 2, durationMs: 150, warmupMs: 30 };
    const result = await runLoad({ url: hub.wsUrl, ...defaults, ...options });
    expectRight(result);
    expectConsistent(result, { ...defaults, ...options });
    const { dropped, invalid } = hub.stats();
    expect(Object.values({ ...dropped, ...invalid }).filter((count) => count !== 0)).toEqual([]);
    await until('every connection to be closed', () => hub.stats().connections.open === 0);
  });

  function expectConsistent(result: LoadResult, options: Partial<LoadOptions>): void {
    const { messages, seconds, latencyMs, size } = result;
    expect(result).toMatchObject(
      JSON.parse(
        JSON.stringify({
          ...options,
          durationMs: undefined,
          warmupMs: undefined,
          binary: undefined,
          threads: undefined,
        }),
      ),
    );
    expect(seconds).toBeGreaterThanOrEqual(0.15);
    expect(result.messagesPerSecond).toBeCloseTo(messages / seconds, 6);
    expect(result.bytesPerSecond).toBeCloseTo((messages * size) / seconds, 3);
    const { min, mean, p50, p75, p90, p97_5, p99, p99_9, max } = latencyMs;
    const ascending = [min, p50, p75, p90, p97_5, p99, p99_9, max];
    expect(ascending).toEqual(ascending.toSorted((a, b) => a - b));
    expect(min).toBeGreaterThan(0);
    expect(mean).toBeGreaterThanOrEqual(min);
    expect(mean).toBeLessThanOrEqual(max);
    const histogram = decodeFromCompressedBase64(result.histogram, 64);
    expect(histogram.maxValue / 1000).toBe(max);
    // Messages of the measured part whose echo came after it have a latency as well.
    expect(histogram.totalCount).toBeGreaterThanOrEqual(messages);
    expect(result.cpu.seconds).toBeGreaterThan(0);
    expect(result.cpu.utilisation).toBeGreaterThan(0);
    expect(result.cpu.utilisation).toBeLessThanOrEqual(1);
    expect(result.isBottleneck).toBe(result.bottleneckReason !== undefined);
  }
});

describe('a wrong server is found out', () => {
  const flip: Answer = (socket, data, isBinary, number) => {
    data[data.length - 1]! ^= 1;
    echo(socket, data, isBinary, number);
  };
  const held: [Buffer, boolean][] = [];

  test.each<[name: string, Answer, Partial<LoadResult['errors']>, RegExp]>([
    ['drops one', exceptSecond(() => {}), { lost: 1 }, /^connection 0: message 1 was not answered$/],
    [
      'swaps two',
      (socket, data, isBinary, number) => {
        if (number === 1) held.push([data, isBinary]);
        else echo(socket, data, isBinary, number);
        if (number === 2) for (const [late, kind] of held.splice(0)) echo(socket, late, kind, 1);
      },
      { reordered: 1 },
      /^connection 0: the echo of message 1 came too late$/,
    ],
    [
      'repeats one',
      (socket, data, isBinary, number) => {
        echo(socket, data, isBinary, number);
        if (number === 1) echo(socket, data, isBinary, number);
      },
      { repeated: 1 },
      /^connection 0: the echo of message 1 came again$/,
    ],
    [
      'corrupts the end of one',
      exceptSecond(flip),
      { corrupt: 1 },
      /^connection 0: the echo of message 1 differs/,
    ],
    [
      'cuts one',
      exceptSecond((socket, data, isBinary, number) => echo(socket, data.subarray(0, 30), isBinary, number)),
      { corrupt: 1 },
      /the echo of message 1 differs/,
    ],
    [
      'answers one as text',
      exceptSecond((socket, data) => socket.send(data, { binary: false })),
      { corrupt: 1 },
      /the echo of message 1 differs/,
    ],
    [
      'says something of its own',
      (socket, data, isBinary, number) => {
        if (number === 1) socket.send('hello');
        echo(socket, data, isBinary, number);
      },
      { unexpected: 1 },
      /^connection 0: a message of 5 bytes came that is the echo of no message sent$/,
    ],
    [
      'answers in fragments',
      exceptSecond((socket, data, binary) => {
        socket.send(data.subarray(0, 20), { binary, fin: false });
        socket.send(data.subarray(20), { binary, fin: true });
      }),
      { unexpected: 1 },
      /^connection 0: a reply came in fragments/,
    ],
    [
      'closes in the middle',
      exceptSecond((socket) => socket.close(1013, 'try again later')),
      { closed: 1 },
      /^connection 0: the server closed the connection with code 1013 "try again later"$/,
    ],
    [
      'ends without a close frame',
      exceptSecond((socket) => socket.terminate()),
      { closed: 1 },
      /^connection 0: (the server ended the connection without a close frame|read ECONNRESET)$/,
    ],
    ['never answers', () => {}, { lost: IN_FLIGHT }, /^connection 0: message 0 was not answered$/],
  ])('one that %s', async (_, answer, errors, firstError) => {
    const { url } = await startEchoServer(answer);
    const result = await runLoad({ url, ...SHORT });
    expect(result.errors).toEqual({ ...NO_ERRORS, ...errors });
    expect(result.firstError).toMatch(firstError);
  });

  test('an echo for another connection', async () => {
    const { url, server } = await startEchoServer((_, data) => {
      for (const client of server.clients) client.send(data);
    });
    const { errors } = await runLoad({ url, ...SHORT, connections: 2 });
    expect(errors.unexpected).toBeGreaterThanOrEqual(2 * IN_FLIGHT);
    expect(errors).toMatchObject({ lost: 0, corrupt: 0 });
  });

  test('a run ends when one of many connections ends, on all threads', async () => {
    let opened = 0;
    const { url } = await startEchoServer((socket, data, isBinary, number) => {
      if (number === 1 && ++opened === 5) socket.close(1001);
      else echo(socket, data, isBinary, number);
    });
    const result = await runLoad({ url, connections: 10, threads: 3, warmupMs: 0, durationMs: 3_600_000 });
    expect(result.errors).toEqual({ ...NO_ERRORS, closed: 1 });
    expect(result.firstError).toMatch(/^connection \d: the server closed the connection with code 1001$/);
  });
});

describe('a connection that cannot be opened', () => {
  const switching = (...lines: string[]) =>
    ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', ...lines, '', ''].join(
      '\r\n',
    );

  test.each<[name: string, respond: (request: string) => string, firstError: RegExp]>([
    ['refused', () => 'HTTP/1.1 403 Forbidden\r\n\r\n', /answered "HTTP\/1\.1 403 Forbidden" instead of 101/],
    [
      'accepted for another key',
      () => switching('Sec-WebSocket-Accept: x'),
      /Sec-WebSocket-Accept .* is wrong/,
    ],
    [
      'accepted for another key, with two Connection lines',
      () => switching('Connection: keep-alive', 'Sec-WebSocket-Accept: x'),
      /Sec-WebSocket-Accept .* is wrong/,
    ],
    [
      'not upgraded',
      (request) => `HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: ${acceptFor(request)}\r\n\r\n`,
      /does not upgrade/,
    ],
    [
      'given an extension',
      (request) =>
        switching(
          `Sec-WebSocket-Accept: ${acceptFor(request)}`,
          'Sec-WebSocket-Extensions: permessage-deflate',
        ),
      /extension that was not offered/,
    ],
    [
      'given a subprotocol',
      (request) => switching(`Sec-WebSocket-Accept: ${acceptFor(request)}`, 'Sec-WebSocket-Protocol: x'),
      /chose subprotocol x instead of none/,
    ],
    ['answered without an end', () => 'x'.repeat(70_000), /the response has no end/],
  ])('%s', async (_, respond, firstError) => {
    const { url } = await startRawServer((socket, request) => socket.write(respond(request)));
    const result = await runLoad({ url, ...SHORT });
    expect(result).toMatchObject({ messages: 0, errors: { ...NO_ERRORS, connectFailed: 1 } });
    expect(result.firstError).toMatch(firstError);
  });

  test('port 0 is no other port', async () => {
    const { errors, firstError } = await runLoad({ url: 'ws://127.0.0.1:0/', ...SHORT });
    expect(errors).toEqual({ ...NO_ERRORS, connectFailed: 1 });
    expect(firstError).not.toContain(':80');
  });

  test('nobody listens', async () => {
    const result = await runLoad({ url: `ws://127.0.0.1:${await freePort()}/`, ...SHORT });
    expect(result.errors).toEqual({ ...NO_ERRORS, connectFailed: 1 });
    expect(result.firstError).toMatch(/^connection 0: connect ECONNREFUSED/);
  });

  test('ended by the server', async () => {
    const { url } = await startRawServer((socket) => socket.end());
    const result = await runLoad({ url, ...SHORT });
    expect(result.errors).toEqual({ ...NO_ERRORS, connectFailed: 1 });
  });
});

describe('the connection', () => {
  test('echoes that arrive byte by byte are put together', async () => {
    const { url } = await startEchoServer(echo, {
      onOpen: (socket) => {
        const tcp = (socket as unknown as { _socket: import('node:net').Socket })._socket;
        tcp.setNoDelay(true);
        const write = tcp.write.bind(tcp) as (chunk: Buffer) => boolean;
        tcp.cork = () => {};
        tcp.write = ((chunk: Buffer) => {
          for (const byte of chunk) write(Buffer.of(byte));
          return true;
        }) as typeof tcp.write;
      },
    });
    expectRight(await runLoad({ url, ...SHORT, size: 200 }));
  });

  test('pings are answered', async () => {
    let pongs = 0;
    const { url } = await startEchoServer(
      (socket, data, isBinary, number) => {
        socket.ping(`ping ${number}`);
        echo(socket, data, isBinary, number);
      },
      { onOpen: (socket) => void socket.on('pong', (data) => (pongs += Number(`${data}` === 'ping 0'))) },
    );
    expectRight(await runLoad({ url, ...SHORT }));
    expect(pongs).toBe(1);
  });

  test('is closed with 1000', async () => {
    const codes: number[] = [];
    const { url } = await startEchoServer(echo, {
      onOpen: (socket) => void socket.on('close', (code) => codes.push(code)),
    });
    expectRight(await runLoad({ url, ...SHORT, connections: 3 }));
    await until('all to be closed', () => codes.length === 3);
    expect(codes).toEqual([1000, 1000, 1000]);
  });

  test('sends the headers, the origin and the subprotocol that it is given', async () => {
    const { url, server } = await startEchoServer(echo, { handleProtocols: (names) => [...names][0]! });
    const requests: Record<string, unknown>[] = [];
    server.on('connection', (_, { headers, url }) => requests.push({ ...headers, url }));
    const result = await runLoad({
      ...SHORT,
      url: `${url}path?q=1`,
      headers: { 'X-One': 'a b', 'X-Many': ['b', 'é'], Authorization: 'Bearer x' },
      subprotocol: 'chat.v1',
      origin: 'https://app.example',
    });
    expectRight(result);
    expect(requests).toMatchObject([
      {
        'x-one': 'a b',
        'x-many': 'b, é',
        authorization: 'Bearer x',
        'sec-websocket-protocol': 'chat.v1',
        origin: 'https://app.example',
        url: '/path?q=1',
        host: new URL(url).host,
      },
    ]);
  });

  test('is encrypted with wss, and any certificate is taken only if asked for', async () => {
    const { url } = await startEchoServer(echo, { tls: true });
    expectRight(await runLoad({ url, ...SHORT, connections: 3, size: 20_000, insecure: true }));
    const refused = await runLoad({ url, ...SHORT });
    expect(refused.errors).toEqual({ ...NO_ERRORS, connectFailed: 1 });
    expect(refused.firstError).toMatch(/self-signed certificate/);
  });
});
