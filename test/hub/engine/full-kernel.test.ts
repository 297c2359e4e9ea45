/**
 * Responses while the kernel's buffer is full. A Unix socket takes a write of some 10 KiB whole as long as there is room
 * for its first byte, so that it is full in between two writes every time, and not once in thousands as TCP is.
 */
import { join } from 'node:path';
import type { HttpHandler } from 'shardhub';
import { expect, test } from 'vitest';
import { handshakeRequest } from '../../support/clients/raw-client.js';
import { dial, readResponse } from '../../support/clients/raw-http.js';
import { temporaryFolder } from '../../support/processes/temporary-folder.js';
import { startHub } from '../../support/servers/hubs.js';
import { turn, until } from '../../support/until.js';

/** A hub on a Unix socket, and a way to connect to it without reading. */
async function serve(handler: HttpHandler) {
  const folder = temporaryFolder();
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

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: hub\r\n\r\n`;
/** Enough for a request to be answered as far as it can be. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

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
    socket.write(get('/x'));
    await until('the first chunks to be made', () => made > 0);
    // Until there is no room for more.
    for (let before = 0; before < made; ) {
      before = made;
      await turns();
    }
    expect(made).toBeLessThan(chunks);
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
        socket.write(get('/x'));
        // The engine takes the next request when this one is answered, and cuts off who sends it before.
        await turns();
      }
      isFull = asked < responses;
      socket.resume();
      for (let i = 0; i < responses && !isFull; i++) {
        const { status, body } = await readResponse(reader);
        expect(status).toBe(200);
        expect(body === letter(i).repeat(size), `response ${i}: ${body.length} bytes, or others`).toBe(true);
      }
      socket.destroy();
      if (isFull) expect(responses).toBeGreaterThan(1);
    }
  },
);

test.each([
  ['the console page', () => get('/')],
  ['a refusal', () => get('/echo')],
  ['an answer without a body', () => get('/none')],
  ['an empty body', () => get('/empty')],
  [
    'a refused handshake',
    (port: number) => handshakeRequest(port, { headers: { origin: 'http://evil.example' } }),
  ],
])('who asks for %s again and again, and does not read, is cut off', async (_, request) => {
  const { hub } = await startHub({ workers: 0, console: true, origins: ['http://good.example'] });
  hub.http(({ url }) => (url.endsWith('/none') ? new Response(null, { status: 204 }) : new Response('')));
  const { socket } = await dial(hub.port);
  let isCut = false;
  socket.on('close', () => {
    isCut = true;
  });
  socket.pause();
  const many = request(hub.port).repeat(500);
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
    socket.write(get('/x'));
    await until('the request to arrive', () => asked > i);
    await turns();
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
  socket.write(get('/x'));
  await until('the request to arrive', () => asked === 1);
  const closed = hub.close({ timeoutMs: 30_000 });
  await turns();
  socket.resume();
  const { body } = await readResponse(reader);
  expect(body.length).toBe(900_000);
  await closed;
});
