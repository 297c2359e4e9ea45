/** HTTP in engine `node`: what it takes, what it refuses and counts, and what an answer does to its connection. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { HttpExchange, ResponseStream } from '../../../../src/hub/http/exchange-port.js';
import { handshakeRequest } from '../../../support/clients/raw-client.js';
import { dial, readResponse } from '../../../support/clients/raw-http.js';
import { serveNode } from '../../../support/servers/node-engine.js';
import { turn, until } from '../../../support/until.js';

/** More than the kernel takes for a client that does not read. */
const MUCH = 32 * 1024 * 1024;
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;

test('HTTP/1.0 is answered, and keeps its connection when it asks for that', async () => {
  const { port, requests } = await serveNode();
  const { socket, reader } = await dial(port);
  socket.write('GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  expect(await readResponse(reader)).toMatchObject({ status: 200, body: 'GET /kept' });
  socket.write('GET /last HTTP/1.0\r\n\r\n');
  expect(await readResponse(reader)).toMatchObject({ status: 200, headers: { connection: 'close' } });
  expect(await reader.takeRest()).toHaveLength(0);
  expect(requests.map(({ path }) => path)).toEqual(['/kept', '/last']);
});

test('HTTP/1.0 has no upgrades (RFC 9110 §7.8)', async () => {
  const { port, requests, handshakes } = await serveNode();
  const { socket, reader } = await dial(port);
  socket.write(handshakeRequest(port).replace('HTTP/1.1', 'HTTP/1.0'));
  expect(await readResponse(reader)).toMatchObject({ status: 200, headers: { connection: 'close' } });
  expect([requests.length, handshakes.length]).toEqual([1, 0]);
});

test('a request may come byte by byte, and its body as well', async () => {
  const { port } = await serveNode({}, (exchange) =>
    exchange.readBody(100, (body) => exchange.respond('200 OK', [], body!.slice())),
  );
  const { socket, reader } = await dial(port);
  for (const byte of Buffer.from(
    'POST /x?y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  )) {
    socket.write(Uint8Array.of(byte));
    await turn();
  }
  expect(await readResponse(reader)).toMatchObject({ status: 200, body: 'hi' });
});

const post = (headers: string, body = '') => `POST /x HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`;

test.each<[string, string, number]>([
  ['no request', 'hello\r\n\r\n', 400],
  ['HTTP/3', 'GET / HTTP/3.0\r\nHost: a\r\n\r\n', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', get('/', 'Host: b\r\n'), 400],
  ['two lengths', post('Content-Length: 1\r\nContent-Length: 2\r\n', 'ab'), 400],
  ['a list of lengths', post('Content-Length: 1, 1\r\n', 'a'), 400],
  ['a length that is none', post('Content-Length: +1\r\n', 'a'), 400],
  ['a length and chunks', post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['an encoding that is unknown', post('Transfer-Encoding: gzip\r\n', 'a'), 400],
  ['chunks that are not last', post('Transfer-Encoding: chunked, gzip\r\n', 'a'), 400],
  ['a space before the colon', post('Content-Length : 1\r\n', 'a'), 400],
  ['a folded header', get('/', 'X: a\r\n b\r\n'), 400],
  ['a line break alone', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['a NUL in a header', get('/', 'X: a\0b\r\n'), 400],
  ['a chunk whose size is none', post('Transfer-Encoding: chunked\r\n', '-1\r\n\r\n'), 400],
  ['the same behind a request', get('/slow') + post('Transfer-Encoding: chunked\r\n', '-1\r\n\r\n'), 0],
  ['17 KiB of headers', get('/', `X: ${'x'.repeat(17_000)}\r\n`), 431],
])('%s is refused, counted, and nothing behind it is served', async (_, request, status) => {
  const { port, requests, refused, errors } = await serveNode({}, (exchange) => exchange.onAborted(() => {}));
  const { socket, reader } = await dial(port);
  socket.on('error', () => {});
  socket.write(request + get('/smuggled'));
  if (status === 0) {
    // There is a request already, whose answer this would be.
    expect((await reader.takeRest().catch(() => Buffer.alloc(0))).toString()).not.toContain('200');
  } else {
    const answer = await readResponse(reader);
    expect(answer).toMatchObject({
      status,
      headers: { connection: 'close' },
      body: expect.stringMatching(/^\S+ .*\.\n$/),
    });
    expect(await reader.takeRest()).toHaveLength(0);
  }
  expect(refused).toEqual([[expect.stringMatching(`^${status || 400}`), '127.0.0.1']]);
  expect(requests.filter(({ path }) => path === '/smuggled')).toEqual([]);
  expect(errors).toEqual([]);
});

test('16 KiB of headers are taken, all of them', async () => {
  const { port, requests } = await serveNode();
  const { socket, reader } = await dial(port);
  const many = Array.from({ length: 2400 }, (_, i) => `${i}:\r\n`).join('');
  socket.write(get('/', `${many}X-Last: there\r\n`));
  expect((await readResponse(reader)).status).toBe(200);
  expect(requests[0]!.headers['x-last']).toBe('there');
});

test('another protocol that is asked for is not: the request is answered, and the connection closed', async () => {
  const { port, requests } = await serveNode();
  for (const request of [
    get('/h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n'),
    post('Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n', 'x'),
    'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
  ]) {
    const { socket, reader } = await dial(port);
    socket.write(request);
    expect(await readResponse(reader)).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await reader.takeRest()).toHaveLength(0);
  }
  expect(requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'CONNECT']);
});

test('answers leave in the order of their requests', async () => {
  const { port, requests } = await serveNode({}, () => {});
  const { socket, reader } = await dial(port);
  socket.write(get('/1') + get('/2') + get('/3'));
  await until('all', () => requests.length === 3);
  for (const exchange of requests.toReversed()) exchange.respond('200 OK', [], exchange.path);
  for (const path of ['/1', '/2', '/3']) expect((await readResponse(reader)).body).toBe(path);
});

test('a client that leaves aborts every request of its connection, once', async () => {
  const aborted: string[] = [];
  const { port, requests } = await serveNode({}, (exchange) =>
    exchange.onAborted(() => aborted.push(exchange.path)),
  );
  const { socket } = await dial(port);
  socket.write(get('/1') + get('/2'));
  await until('both', () => requests.length === 2);
  socket.resetAndDestroy();
  await until('the end', () => aborted.length > 0);
  expect(aborted).toEqual(['/1', '/2']);
  requests[0]!.respond('200 OK', [], 'late');
  expect(requests[1]!.stream('200 OK', [], 'late')).toBeUndefined();
});

test('who sends a body that nobody wants can read the answer, is heard for a while, and no longer', async () => {
  const { port } = await serveNode();
  const { socket, reader } = await dial(port);
  socket.on('error', () => {});
  socket.write(post('Content-Length: 1000000\r\n', 'x'));
  expect(await readResponse(reader)).toMatchObject({ status: 200, headers: { connection: 'close' } });
  const piece = Buffer.alloc(16_384);
  socket.write(piece);
  await turn();
  expect(socket.closed).toBe(false);
  await until('the end', () => {
    if (!socket.closed) socket.write(piece);
    return socket.closed;
  });
});

test('a pause takes no connection, and keeps those that are there', async () => {
  const { port, server } = await serveNode();
  const { socket, reader } = await dial(port);
  const ask = async () => {
    socket.write(get('/x'));
    return (await readResponse(reader)).status;
  };
  expect(await ask()).toBe(200);
  server.pauseListening();
  await expect(dial(port)).rejects.toThrow('ECONNREFUSED');
  expect(await ask()).toBe(200);
  await server.resumeListening();
  await dial(port);
  expect(await ask()).toBe(200);
  server.close();
  await once(socket, 'close');
});

/** A stream to a client that does not read until it is resumed. */
async function serveStream() {
  let stream: ResponseStream | undefined;
  let isAborted = false;
  const { port } = await serveNode({}, (exchange: HttpExchange) => {
    exchange.onAborted(() => {
      isAborted = true;
    });
    stream = exchange.stream('200 OK', [], 'first;');
  });
  const { socket, reader } = await dial(port);
  socket.pause();
  socket.write(get('/'));
  await until('the stream', () => stream);
  return { stream: stream!, socket, reader, isAborted: () => isAborted };
}

test('a stream tells when its client does not take it, and when it does again; nothing is lost', async () => {
  const { stream, socket, reader } = await serveStream();
  let writable = 0;
  stream.onWritable(() => writable++);
  const memory = Buffer.alloc(100_000, 'a');
  let written = 0;
  while (written < 100 && stream.write(memory)) {
    written++;
    await turn();
  }
  expect(written).toBeLessThan(100);
  // What has been given may be used again.
  memory.fill('b');
  expect(writable).toBe(0);
  socket.resume();
  await until('room', () => writable);
  expect(stream.write('last')).toBe(true);
  stream.end();
  stream.terminate();
  const { body } = await readResponse(reader);
  expect(body === `first;${'a'.repeat((written + 1) * 100_000)}last`, `${body.length} bytes`).toBe(true);
});

test('a stream that is terminated is aborted inside the call, and then does nothing', async () => {
  const { stream, socket, isAborted } = await serveStream();
  stream.terminate();
  expect(isAborted()).toBe(true);
  expect(stream.write('late')).toBe(false);
  stream.end();
  socket.on('error', () => {}).resume();
  await until('the end', () => socket.closed);
});

test('who takes nothing of an answer, or sends nothing of a body, for 10 s is cut off; who waits for an answer is not', async () => {
  const stalled = new Set<Socket>();
  const { setTimeout: allow } = Socket.prototype;
  const spy = vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (this: Socket, ms) {
    if (ms !== 10_000) return allow.call(this, ms);
    stalled.add(this);
    return allow.call(this, 100);
  });
  onTestFinished(() => spy.mockRestore());
  let answerLate = (): void => {};
  const { port } = await serveNode({}, (exchange) => {
    if (exchange.path === '/late') answerLate = () => exchange.respond('200 OK', [], 'late');
    else if (exchange.path === '/unread') exchange.respond('200 OK', [], new Uint8Array(MUCH));
    else if (exchange.path === '/stream') exchange.stream('200 OK', [], new Uint8Array(MUCH));
    else exchange.readBody(100, () => {});
  });
  const patient = await dial(port);
  patient.socket.write(get('/late'));
  for (const request of [get('/unread'), get('/stream'), post('Content-Length: 2\r\n', 'a')]) {
    const { socket } = await dial(port);
    socket.pause();
    socket.write(request);
  }
  await until('three to be cut off', () => [...stalled].filter(({ destroyed }) => destroyed).length === 3);
  answerLate();
  expect(await readResponse(patient.reader)).toMatchObject({ status: 200, body: 'late' });
});
