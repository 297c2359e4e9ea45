/**
 * Responses while the kernel's buffer is full. A Unix socket takes a write of some 10 KiB whole as long as there is room
 * for its first byte, so that it is full in between two writes every time, and not once in thousands as TCP is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HttpHandler } from 'shardhub';
import { expect, onTestFinished, test } from 'vitest';
import { startHub } from './support/hubs.js';
import { dial, readResponse } from './support/raw-http.js';
import { until } from './support/until.js';

/** A hub on a Unix socket, and a way to connect to it without reading. */
async function serve(handler: HttpHandler) {
  const folder = mkdtempSync(join(tmpdir(), 'shardhub-full-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const unixSocket = join(folder, 'hub.sock');
  const { hub } = await startHub({ workers: 0, unixSocket });
  hub.http(handler);
  const connect = async () => {
    const { socket, reader } = await dial(unixSocket);
    socket.pause();
    return { socket, reader };
  };
  return { hub, connect };
}

const GET = 'GET /x HTTP/1.1\r\nHost: hub\r\n\r\n';
const letter = (i: number) => String.fromCharCode(97 + (i % 26));

test.each([1000, 16_000, 16_384, 50_000, 300_000])(
  'a response in chunks of %d bytes arrives whole',
  async (size) => {
    const chunks = Math.ceil(6_000_000 / size);
    let made = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (made === chunks) controller.close();
          else controller.enqueue(Buffer.alloc(size, letter(made++)));
        },
      },
      { highWaterMark: 0 },
    );
    const { connect } = await serve(() => new Response(body));
    const { socket, reader } = await connect();
    socket.write(GET);
    await until('the first chunks to be made', () => made * size > 100_000);
    socket.resume();
    const { body: got } = await readResponse(reader);
    const expected = Array.from({ length: chunks }, (_, i) => letter(i).repeat(size)).join('');
    expect(got === expected, `${got.length} bytes of ${expected.length} arrived, or others`).toBe(true);
  },
);

test.each([10_000, 17_000, 24_000, 30_000, 300_000])(
  'as many responses of %d bytes as there is room for, and the one behind them, arrive whole',
  async (size) => {
    let asked = 0;
    const { connect } = await serve(() => new Response(letter(asked++).repeat(size)));
    let isFull = false;
    for (let responses = 1; !isFull; responses++) {
      asked = 0;
      const { socket, reader } = await connect();
      socket.on('error', () => {});
      for (let i = 0; i < responses; i++) {
        socket.write(GET);
        // The engine takes the next request when this one is answered, and cuts off who sends it before.
        for (let turn = 0; turn < 10; turn++) await nextTurn();
      }
      isFull = asked < responses;
      socket.resume();
      for (let i = 0; i < responses && !isFull; i++) {
        const { status, body } = await readResponse(reader);
        expect(status).toBe(200);
        expect(body === letter(i).repeat(size), `response ${i}: ${body.length} bytes, or others`).toBe(true);
      }
      socket.destroy();
      if (isFull) expect(responses * size).toBeGreaterThan(200_000);
    }
  },
);

const request = (line: string, ...headers: string[]) =>
  [line, 'Host: localhost', ...headers, '', ''].join('\r\n');

test.each([
  ['the console page', request('GET / HTTP/1.1')],
  ['a refusal', request('GET /echo HTTP/1.1')],
  ['an answer without a body', request('GET /none HTTP/1.1')],
  ['an empty body', request('GET /empty HTTP/1.1')],
  [
    'a refused handshake',
    request(
      'GET /ws HTTP/1.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Origin: http://evil.example',
    ),
  ],
])('who asks for %s again and again, and does not read, is cut off', async (_, asked) => {
  const { hub } = await startHub({ workers: 0, console: true, origins: ['http://good.example'] });
  hub.http((request) =>
    request.url.endsWith('/none') ? new Response(null, { status: 204 }) : new Response(''),
  );
  const { socket } = await dial(hub.port);
  let isCut = false;
  socket.on('error', () => {
    isCut = true;
  });
  socket.pause();
  const many = asked.repeat(500);
  await until('the end of the connection', () => {
    if (!isCut && socket.writableLength === 0) socket.write(many);
    return isCut;
  });
});

test('memory that a body came from may be used again while its client reads', async () => {
  const memory = new Uint8Array(900_000);
  let asked = 0;
  const { connect } = await serve(() => {
    memory.fill(letter(asked++).charCodeAt(0));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(memory);
        controller.close();
      },
    });
    return new Response(body);
  });
  const clients = [await connect(), await connect()];
  for (const [i, { socket }] of clients.entries()) {
    socket.write(GET);
    await until('the request to arrive', () => asked > i);
    for (let turn = 0; turn < 10; turn++) await nextTurn();
  }
  for (const [i, { socket, reader }] of clients.entries()) {
    socket.resume();
    const { body } = await readResponse(reader);
    expect(body === letter(i).repeat(900_000), `response ${i}: ${body.length} bytes, or others`).toBe(true);
  }
});

test('a hub that closes waits for a response that is on its way', async () => {
  let asked = 0;
  const { connect, hub } = await serve(() => new Response(letter(asked++).repeat(900_000)));
  const { socket, reader } = await connect();
  socket.write(GET);
  await until('the request to arrive', () => asked === 1);
  const closed = hub.close({ timeoutMs: 30_000 });
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  socket.resume();
  const { body } = await readResponse(reader);
  expect(body.length).toBe(900_000);
  await closed;
});
