/** WebSockets over sockets of Node.js, both as they are read by way of their handle and as node:http has them. */
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { FrameReader } from '../../../../src/hub/engine/node/frame-reader.js';
import { RawClient } from '../../../support/clients/raw-client.js';
import { converse, toBytes, validOutcome } from '../../../support/protocol/conversation.js';
import { encodeFrame, Opcode } from '../../../support/protocol/frames.js';
import { CLOSES, INVALID, TOLERATED, VALID } from '../../../support/protocol/rfc-cases.js';
import { type SocketsInput, startSockets } from '../../../support/servers/node-sockets.js';
import { until } from '../../../support/until.js';

afterEach(() => {
  vi.useRealTimers();
});

const WAYS = [
  ['by its handle', false],
  ['as it is', true],
] as const;

describe.each(WAYS)('a socket that is read %s', (_name, isPlain) => {
  const start = (input: SocketsInput = {}) => startSockets({ isPlain, ...input });
  /** A client, and the server's side of it. */
  async function connect(input: SocketsInput = {}) {
    const server = await start(input);
    const client = await RawClient.open(server.port);
    await until('the socket to be open', () => server.served.length === 1);
    return { server, client, served: server.served[0]! };
  }

  test('every case of RFC 6455 is answered, what breaks a rule with its code, and none with a reset', async () => {
    const { port, served, engineCloses, errors } = await start();
    for (const [name, ...chunks] of VALID)
      expect({ name, ...(await converse(port, chunks, false)) }).toEqual({ name, ...validOutcome(chunks) });
    for (const [name, ...chunks] of CLOSES)
      expect((await converse(port, chunks, true)).end, name).toMatch(/^close/);
    for (const [name, ...chunks] of [...INVALID, ...TOLERATED]) {
      const { messages, end } = await converse(port, chunks, true);
      expect(end, name).toMatch(/^close (1002|1007|1009) /);
      expect(messages, name).toEqual(validOutcome(chunks.slice(0, -1)).messages.slice(0, -1));
    }
    expect(served.map(({ closed }) => closed.length)).toEqual(served.map(() => 1));
    expect(errors).toEqual([]);
    for (const text of [/invalid frame/, /invalid UTF-8/, /too big/])
      expect(engineCloses.filter((one) => text.test(one)).length).toBeGreaterThan(4);
  });

  test.each([1000, 3000, 3999, 4999])('a close frame with %i is answered with the same', async (code) => {
    const { client, served } = await connect();
    client.close(code, 'why');
    expect(await client.readToEnd()).toMatchObject({ code, reason: 'why' });
    await client.ended;
    expect(served.closed).toEqual([[code, 'why']]);
  });

  test('what a cork gathers is one write, also when others are sent to meanwhile; nothing is read after the call', async () => {
    const { server, client, served } = await connect();
    const other = await RawClient.open(server.port);
    await until('both', () => server.served.length === 2);
    const writes = vi.fn();
    client.socket.on('data', writes);
    const data = Buffer.alloc(700);
    served.port.cork(() => {
      for (let i = 0; i < 90; i++) {
        served.port.send(data.fill(i), true);
        server.served[1]!.port.send(data.fill(200 + (i % 50)), true);
      }
    });
    for (let i = 0; i < 90; i++) expect((await client.nextFrame())?.payload).toEqual(Buffer.alloc(700, i));
    for (let i = 0; i < 90; i++)
      expect((await other.nextFrame())?.payload).toEqual(Buffer.alloc(700, 200 + (i % 50)));
    expect(writes.mock.calls.length).toBeLessThan(10);
  });

  test('who does not read is buffered for, and told of when it has read', async () => {
    const { client, served } = await connect();
    client.pause();
    const data = Buffer.alloc(100_000);
    let sent = 0;
    while (served.port.bufferedBytes() < 3_000_000) served.port.send(data.fill(sent++), true);
    for (let i = 0; i < 10; i++) served.port.send(data.subarray(0, 1000).fill(sent++), true);
    expect(served.port.bufferedBytes()).toBeLessThan(3_200_000);
    expect(served.drains).toBe(0);
    client.resume();
    for (let i = 0; i < sent; i++) expect((await client.nextFrame())?.payload[0]).toBe(i % 256);
    await until('the buffer to be empty', () => served.port.bufferedBytes() === 0 && served.drains > 0);
    served.port.send(data.fill(7), true);
    expect((await client.nextFrame())?.payload).toEqual(Buffer.alloc(100_000, 7));
  });

  test('in a pause nothing comes, after it everything', async () => {
    const { client, served } = await connect({
      listen: (port) => ({ onMessage: () => port.pause() }),
    });
    client.write(
      Buffer.concat(
        Array.from({ length: 50 }, (_, i) => encodeFrame({ opcode: Opcode.Text, payload: `${i}` })),
      ),
    );
    // More than the kernel keeps, so that the client feels it.
    const more = encodeFrame({ opcode: Opcode.Binary, payload: Buffer.alloc(100_000) });
    for (let i = 0; i < 200; i++) client.write(more);
    for (let i = 1; i <= 50; i++) {
      await until('a message', () => served.messages.length === i);
      expect(client.socket.writableLength).toBeGreaterThan(0);
      served.port.resume();
      expect(served.messages.length).toBe(i);
    }
    await until('all', () => {
      served.port.resume();
      return served.messages.length === 250;
    });
    expect(served.messages.slice(0, 50).map(String)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });

  test('many fragments are read in several turns, and their message is whole', async () => {
    const { client, served } = await connect();
    const pauses = vi.spyOn(served.port, 'pause');
    const { read } = FrameReader.prototype;
    let inPause = 0;
    const reads = vi.spyOn(FrameReader.prototype, 'read').mockImplementation(function (
      this: FrameReader,
      ...piece
    ) {
      if (this.isPaused) inPause++;
      read.apply(this, piece);
    });
    const part = encodeFrame({ opcode: Opcode.Continuation, payload: 'x', fin: false });
    const empty = encodeFrame({ opcode: Opcode.Continuation, fin: false });
    client.frame({ opcode: Opcode.Binary, payload: 'x', fin: false });
    client.write(Buffer.concat(Array.from({ length: 90_000 }, () => [part, empty]).flat()));
    client.frame({ opcode: Opcode.Continuation, payload: 'x' });
    client.text('behind it');
    expect((await client.nextFrame())?.payload).toEqual(Buffer.alloc(90_002, 'x'));
    expect(String((await client.nextFrame())?.payload)).toBe('behind it');
    reads.mockRestore();
    expect(pauses).toHaveBeenCalledTimes(43);
    // What is not worked on is not read: it would be kept.
    expect(inPause).toBe(0);
  });

  test('ended right behind a pause, it reads what is on its way, and its peer’s end', async () => {
    const { client, served } = await connect({ listen: (port) => ({ onMessage: () => port.pause() }) });
    // More than the kernel keeps: unread, it would keep the peer's end from coming.
    for (let i = 0; i < 80; i++) client.binary(Buffer.alloc(100_000));
    await until('the pause', () => served.messages.length === 1);
    served.port.resume();
    served.port.end(4001, 'enough');
    client.socket.end();
    expect(await client.readToEnd()).toMatchObject({ code: 4001 });
    await client.ended;
    expect(client.socket.bytesWritten).toBeGreaterThan(8_000_000);
  });

  test('however it ends, it is told once: by the peer’s FIN, its reset, and here', async () => {
    const { port, served } = await start();
    const clients = [];
    for (let i = 0; i < 5; i++) clients.push(await RawClient.open(port));
    await until('all', () => served.length === 5);
    clients[0]!.socket.end();
    clients[1]!.socket.resetAndDestroy();
    served[2]!.port.terminate();
    served[3]!.port.end(4001, 'enough');
    clients[4]!.text('last words');
    clients[4]!.socket.end();
    expect((await clients[2]!.readToEnd()).code).toBe(1006);
    expect(await clients[3]!.readToEnd()).toMatchObject({ code: 4001, reason: 'enough' });
    await Promise.all(clients.map((client) => client.ended));
    await until('all to be told', () => served.every(({ closed }) => closed.length > 0));
    expect(served.map(({ closed }) => closed)).toEqual([
      [[1006, '']],
      [[1006, '']],
      [[1006, '']],
      [[4001, 'enough']],
      [[1006, '']],
    ]);
    expect(served[4]!.messages.map(String)).toEqual(['last words']);
  });

  test('closed while it opens; a listener that throws costs its own socket', async () => {
    const closing = await start({
      listen: (port) => {
        port.end(4002, 'not you');
        return {};
      },
    });
    expect((await (await RawClient.open(closing.port)).readToEnd()).code).toBe(4002);
    expect(closing.served[0]!.closed).toEqual([[4002, 'not you']]);
    const throwing = await start({
      listen: () => ({
        onMessage: () => {
          throw new Error('mine');
        },
      }),
    });
    const client = await RawClient.open(throwing.port);
    client.text('x');
    expect((await client.readToEnd()).code).toBe(1006);
    expect(throwing.errors.map(String)).toEqual(['Error: mine']);
    expect(throwing.served[0]!.closed).toEqual([[1006, '']]);
  });

  test.each(['shared', 'dedicated'] as const)(
    'what a client compresses, and is sent compressed (%s)',
    async (compression) => {
      const { url, served } = await start({ compression, options: { compressionMinBytes: 100 } });
      const client = new WebSocket(url, { perMessageDeflate: { threshold: 0 } });
      await once(client, 'open');
      for (let i = 0; i < 50; i++) {
        const text = JSON.stringify({ i, list: Array.from({ length: i * 20 }, (_, n) => n * i) });
        client.send(text, { binary: i % 2 === 0 });
        const [data, isBinary] = await once(client, 'message');
        expect({ text: String(data), isBinary }).toEqual({ text, isBinary: i % 2 === 0 });
      }
      expect(client.extensions).toContain('permessage-deflate');
      client.close(1000);
      await until('its end', () => served[0]!.closed.length > 0);
    },
  );

  /** Time goes by in seconds of the engine's own timer. */
  async function withTime(input: SocketsInput) {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const connected = await connect(input);
    const pass = async (seconds: number) => {
      for (let i = 0; i < seconds; i++) await vi.advanceTimersByTimeAsync(1000);
    };
    return { ...connected, pass };
  }

  test('who goes on sending behind the end is cut off', async () => {
    const { client, served } = await connect();
    client.socket.allowHalfOpen = true;
    served.port.end(1000, 'enough');
    const more = encodeFrame({ opcode: Opcode.Binary, payload: Buffer.alloc(90_000) });
    let sent = 0;
    for (; !client.socket.destroyed; sent += more.length) {
      client.write(more);
      await client.flushed();
    }
    expect(sent).toBeGreaterThan(16 * 1024 * 1024);
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  test('a silent peer is pinged, and dropped when its time is over; one that speaks stays', async () => {
    const { server, client, served, pass } = await withTime({ options: { idleTimeout: 12 } });
    for (let i = 0; i < 10; i++) {
      await pass(4);
      client.frame({ opcode: Opcode.Ping });
      await until('the ping', () => served.pings === i + 1);
    }
    await pass(12);
    await until('a ping', async () => (await client.nextFrame())?.opcode === Opcode.Ping);
    expect(served.closed).toEqual([]);
    await pass(4);
    expect(served.closed).toEqual([[1006, '']]);
    expect(server.engineCloses).toEqual(['timed out from inactivity']);
    await client.ended;
  });

  test('in a pause nobody is dropped, but pinged', async () => {
    const { client, served, pass } = await withTime({ options: { idleTimeout: 12 } });
    served.port.pause();
    await pass(60);
    expect(served.closed).toEqual([]);
    for (let i = 0; i < 4; i++) expect((await client.nextFrame())?.opcode).toBe(Opcode.Ping);
    served.port.resume();
    await pass(20);
    expect(served.closed).toEqual([[1006, '']]);
  });

  test('its life is over after maxLifetime; who does not end its side then is cut off', async () => {
    const { client, served, pass } = await withTime({ options: { maxLifetime: 1 } });
    client.socket.allowHalfOpen = true;
    await pass(55);
    expect(served.closed).toEqual([]);
    await pass(10);
    expect(served.closed).toEqual([[1000, 'please reconnect']]);
    expect(await client.readToEnd()).toMatchObject({ code: 1000, reason: 'please reconnect' });
    await pass(30);
    await until('the cut', () => {
      client.text('still here');
      return client.socket.destroyed;
    });
  });
});

test('a server can close once its sockets are gone: nothing of node:http counts them', async () => {
  const { port, served, close } = await startSockets();
  const client = await RawClient.open(port);
  client.text('hello');
  expect((await client.nextFrame())?.payload.toString()).toBe('hello');
  await close();
  expect(served[0]!.closed).toEqual([[1006, '']]);
  await client.ended;
});

test('what comes in the same segment as the handshake is read', async () => {
  const { port } = await startSockets();
  const client = await RawClient.dial(port);
  const request =
    'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n';
  client.write(Buffer.concat([Buffer.from(request), toBytes([{ opcode: Opcode.Text, payload: 'early' }])]));
  await until('the echo', async () => {
    client.text('x');
    return true;
  });
  const bytes: Buffer[] = [];
  client.socket.on('data', (piece) => bytes.push(piece));
  await until('both echoes', () =>
    Buffer.concat(bytes).toString('latin1').includes('\x81\x05early\x81\x01x'),
  );
});
