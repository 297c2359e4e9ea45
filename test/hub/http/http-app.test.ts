/** `hub.http`: requests that the hub does not serve itself, as the Fetch standard has them. */
import { request as httpRequest } from 'node:http';
import { type HttpHandler, type Hub, HubError, type HubOptions } from 'shardhub';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { fetchRaw } from '../../support/clients/http-client.js';
import { dial, rawRequest, readResponse } from '../../support/clients/raw-http.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { counted } from '../../support/counters.js';
import { byEngine } from '../../support/engines/under-test.mjs';
import { startHub } from '../../support/servers/hubs.js';
import { turn, until } from '../../support/until.js';

afterEach(() => {
  vi.restoreAllMocks();
});

async function serve(handler: HttpHandler, options: HubOptions = {}) {
  const { hub, log } = await startHub({ workers: 1, ...options });
  hub.http(handler);
  return { hub, log };
}

const get = (hub: Hub, path: string, method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\n\r\n`;

/** A body of so many chunks, and how many bytes of it were asked for. */
function source(chunks: number, size: number) {
  const state = { pulled: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (state.pulled >= chunks * size) return controller.close();
        controller.enqueue(new Uint8Array(size).fill((state.pulled / size) % 251));
        state.pulled += size;
      },
      cancel() {
        state.isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { state, body };
}

test('a request arrives whole, and its response leaves whole', async () => {
  const seen: unknown[] = [];
  const { hub } = await serve(async (request, { remoteAddress }) => {
    const { method, url, headers } = request;
    seen.push({ method, url, custom: headers.get('x-custom'), remoteAddress, body: await request.text() });
    const answer = new Response('créé', {
      status: 201,
      statusText: 'Made',
      headers: { 'X-Name': 'caf\xe9' },
    });
    answer.headers.append('Set-Cookie', 'a=1');
    answer.headers.append('Set-Cookie', 'b=2');
    return answer;
  });
  const response = await fetch(`${hub.url}/api/things?x=1&y=%20`, {
    method: 'PUT',
    // The first is UTF-8, as bytes; the other is not.
    headers: { 'X-Custom': 'aÃ©b', 'X-Other': 'aéb' },
    body: 'ünï',
  });
  expect(seen).toEqual([
    {
      method: 'PUT',
      url: `${hub.url}/api/things?x=1&y=%20`,
      custom: 'aÃ©b',
      remoteAddress: '127.0.0.1',
      body: 'ünï',
    },
  ]);
  expect([response.status, response.statusText]).toEqual([201, 'Made']);
  expect(response.headers.get('x-name')).toBe('caf\xe9');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(response.headers.get('content-length')).toBe('6');
  expect(await response.text()).toBe('créé');
});

test('what the hub serves itself stays its own; undefined is a 404', async () => {
  const paths: string[] = [];
  const { hub } = await serve((request) => {
    paths.push(new URL(request.url).pathname);
    return undefined;
  });
  for (const [path, status] of [
    ['/healthz', 200],
    ['/ws', 426],
    ['/none', 404],
  ] as const)
    expect((await fetchRaw(hub.url + path)).status).toBe(status);
  expect((await fetchRaw(`${hub.url}/echo`, { method: 'POST' }, 'x')).body.toString()).toBe('x');
  expect(paths).toEqual(['/none']);
  expect(await (await WsClient.connect(hub.wsUrl)).ask('x')).toBe('x');
});

test('before a handler there is nothing; a later one takes the place of the one before', async () => {
  const { hub } = await startHub({ workers: 1 });
  expect((await fetch(`${hub.url}/a`)).status).toBe(404);
  for (const name of ['first', 'second']) {
    expect(hub.http(() => new Response(name))).toBe(hub);
    expect(await (await fetch(`${hub.url}/a`)).text()).toBe(name);
  }
  expect(() => hub.http('app' as never)).toThrow(HubError);
});

test.each<[string, HttpHandler, RegExp]>([
  [
    'throws',
    () => {
      throw new Error('secret');
    },
    /secret/,
  ],
  ['rejects', () => Promise.reject(new Error('secret')), /secret/],
  ['returns text', () => 'secret' as never, /returned "secret" but takes a Response or undefined/],
  ['returns an error response', () => Response.error(), /the status 0 but takes 200 to 599/],
  [
    'has a body of text',
    () => new Response(ReadableStream.from(['secret']) as never),
    /a body with "secret" but takes Uint8Arrays/,
  ],
  [
    'fails in its body at once',
    () => new Response(new ReadableStream({ start: (body) => body.error(new Error('secret')) })),
    /secret/,
  ],
])(
  'a handler that %s is a 500, an event and a count; the next request is served',
  async (_, bad, message) => {
    let isBad = true;
    const { hub, log } = await serve((...args) => (isBad ? bad(...args) : new Response('fine')));
    const errors: Error[] = [];
    hub.on('error', (error) => errors.push(error));
    const { status, body } = await fetchRaw(`${hub.url}/x`);
    expect(status).toBe(500);
    expect(body.toString()).not.toContain('secret');
    expect(errors.map((error) => error.message)).toEqual([expect.stringMatching(message)]);
    expect(log).toHaveLength(1);
    expect(counted(hub.stats().rejected)).toEqual({ 'http-error': 1 });
    isBad = false;
    expect(await (await fetch(`${hub.url}/x`)).text()).toBe('fine');
  },
);

test('a body that fails on its way ends the connection, so that nobody takes a part for the whole', async () => {
  const { hub, log } = await serve(() => {
    let count = 0;
    const pull = async (body: ReadableStreamDefaultController) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (++count === 3) throw new Error('half way');
      body.enqueue(new Uint8Array(10));
    };
    return new Response(new ReadableStream({ pull }));
  });
  const response = await fetch(`${hub.url}/x`);
  await expect(response.arrayBuffer()).rejects.toThrow(/terminated/);
  await until('the log', () => log.length === 1);
});

test('a body over maxPayload is a 413, and its handler hears nothing of it', async () => {
  let calls = 0;
  const handler = async (request: Request) => {
    calls++;
    return new Response(String((await request.arrayBuffer()).byteLength));
  };
  const { hub } = await serve(handler, { maxPayload: 1000 });
  const send = (...chunks: Uint8Array[]) => fetchRaw(`${hub.url}/x`, { method: 'POST' }, ...chunks);
  expect((await send(new Uint8Array(1000))).body.toString()).toBe('1000');
  expect((await send(new Uint8Array(999), new Uint8Array(1))).body.toString()).toBe('1000');
  expect((await send(new Uint8Array(1001))).status).toBe(413);
  expect(calls).toBe(2);
  expect(counted(hub.stats().rejected)).toEqual({ 'too-large': 1 });
});

describe('on one connection', () => {
  const respond = (status: number, body: string | null, length: string | undefined) => () =>
    new Response(body, { status, headers: length === undefined ? {} : { 'Content-Length': length } });

  test.each([
    ['GET', 200, 'body', '4'],
    ['GET', 204, null, undefined],
    ['GET', 304, null, undefined],
    ['HEAD', 200, 'body', undefined],
    ['HEAD', 200, 'body', '7'],
    ['OPTIONS', 204, null, undefined],
  ])('%s with status %i keeps it open (%s, length %s)', async (method, status, body, length) => {
    // One of 256 without a body does not.
    vi.spyOn(Math, 'random').mockReturnValue(1 / 256);
    const { hub } = await serve(respond(status, body, length));
    const { socket, reader } = await dial(hub.port);
    for (let i = 0; i < 3; i++) {
      socket.write(get(hub, '/x', method));
      const hasBody = method === 'GET' && body !== null;
      const response = await readResponse(reader, hasBody);
      expect(response).toMatchObject({ status, body: hasBody ? body : '' });
      expect(response.headers['content-length']).toBe(length);
    }
  });

  test.each([
    ['GET', 204, null, undefined],
    ['GET', 200, '', undefined],
    ['HEAD', 200, 'body', '7'],
  ])('%s with status %i closes it by chance on engine uws (%j)', async (method, status, body, length) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.99 / 256);
    const { hub } = await serve(respond(status, body, length));
    const { socket, reader } = await dial(hub.port);
    socket.write(get(hub, '/x', method));
    const { headers, ...response } = await readResponse(reader, false);
    expect(response.status).toBe(status);
    if (length !== undefined) expect(headers['content-length']).toBe(length);
    const isClosed = byEngine({ uws: true, node: false });
    expect(headers.connection === 'close').toBe(isClosed);
    if (!isClosed) socket.write(get(hub, '/healthz'));
    const rest = isClosed ? await reader.takeRest() : (await readResponse(reader)).status;
    expect(rest).toEqual(isClosed ? Buffer.alloc(0) : 200);
  });

  test('streams follow each other', async () => {
    const { hub } = await serve(() => new Response(source(3, 100_000).body));
    const { socket, reader } = await dial(hub.port);
    for (let i = 0; i < 3; i++) {
      socket.write(get(hub, '/x'));
      const { headers, body } = await readResponse(reader);
      expect(headers['transfer-encoding']).toBe('chunked');
      expect(body.length).toBe(300_000);
    }
  });
});

test('an event of a stream is sent when it is there, not when the next one is', async () => {
  let events: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      events = controller;
    },
  });
  const { hub } = await serve(() => new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
  const response = fetch(`${hub.url}/events`);
  await until('it to be asked', () => events !== undefined && body.locked);
  events!.enqueue(Buffer.from('data: 1\n\n'));
  const reader = (await response).body!.getReader();
  for (let i = 1; i < 5; i++) {
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(`data: ${i}\n\n`);
    events!.enqueue(Buffer.from(`data: ${i + 1}\n\n`));
  }
  events!.close();
  while (!(await reader.read()).done);
});

test.each([
  ['many chunks', 3000, 50_000],
  ['few large chunks', 3, 50_000_000],
])('a response of %s is made no faster than it is read', async (_, chunks, size) => {
  const { state, body } = source(chunks, size);
  const { hub } = await serve(() => new Response(body));
  const message = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    httpRequest(`${hub.url}/big`, resolve).once('error', reject).end();
  });
  let total = 0;
  for await (const chunk of message) {
    expect(chunk[0]).toBe(Math.floor(total / size) % 251);
    expect(chunk.at(-1)).toBe(Math.floor((total + chunk.length - 1) / size) % 251);
    total += chunk.length;
    // What the kernel holds on both sides, and a chunk on each side of what is being written.
    expect(state.pulled - total).toBeLessThan(40 * 1024 * 1024 + 2 * size);
  }
  expect(total).toBe(chunks * size);
});

test('when the client leaves, the signal aborts and the body is cancelled', async () => {
  const signals: AbortSignal[] = [];
  const { state, body } = source(10_000, 50_000);
  const { hub, log } = await serve((request) => {
    signals.push(request.signal);
    if (new URL(request.url).pathname === '/stream') return new Response(body);
    return new Promise((_, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason));
    });
  });
  for (const path of ['/waits', '/stream']) {
    const { socket } = await dial(hub.port);
    socket.pause();
    socket.write(get(hub, path));
    const before = signals.length;
    await until('the request', () => signals.length > before && (path === '/waits' || state.pulled > 0));
    expect(signals.at(-1)!.aborted).toBe(false);
    socket.destroy();
    await until('the signal', () => signals.at(-1)!.aborted);
  }
  await until('the body to be cancelled', () => state.isCancelled);
  expect(log).toEqual([]);
});

test('a request in flight is answered before the hub is closed, and aborted when it takes too long', async () => {
  const gates = new Map<string, () => void>();
  const signals = new Map<string, AbortSignal>();
  const { hub } = await serve(async ({ url, signal }) => {
    const { pathname } = new URL(url);
    signals.set(pathname, signal);
    await new Promise<void>((resolve) => gates.set(pathname, resolve));
    return new Response('late');
  });
  const answers = [fetch(`${hub.url}/a`), fetch(`${hub.url}/b`)] as const;
  answers[1].catch(() => {});
  await until('both', () => gates.size === 2);
  const closed = hub.close({ timeoutMs: 2000 });
  gates.get('/a')!();
  const settled = await Promise.allSettled(answers);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await closed;
  expect(signals.get('/b')!.aborted).toBe(true);
});

test.each<[string, number, HubOptions]>([
  ['that has begun', 2, {}],
  ['of which nothing is there yet', 0, {}],
  ['with proxyProtocol', 2, { proxyProtocol: true }],
])('a response %s is cut off, not ended, when the hub waits for it no longer', async (_, chunks, options) => {
  // Engine uws closes the connection behind each response then, which it cannot do behind one in pieces.
  const isGathered = byEngine({ uws: options.proxyProtocol === true, node: false });
  let isRead = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < chunks; i++) controller.enqueue(Buffer.from('piece'));
    },
    pull() {
      isRead = true;
    },
  });
  const { hub, log } = await serve(() => new Response(body), options);
  const { socket, reader } = await dial(hub.port);
  socket.write(get(hub, '/endless'));
  await until('it to be read', () => isRead && body.locked);
  await turn();
  await hub.close({ timeoutMs: 100 });
  const text = (await reader.takeRest()).toString();
  if (chunks > 0 && !isGathered) expect(text).toContain('piece');
  else expect(text).toBe('');
  expect(text).not.toContain('\r\n0\r\n');
  expect(log.filter(({ level }) => level === 'error')).toEqual([]);
});

test.each([
  ['a method that is none', 'GE{T /x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a Host that is none', 'GET /x HTTP/1.1\r\nHost: a b/c\r\n\r\n', 400],
  ['a Host with credentials', 'GET /x HTTP/1.1\r\nHost: user@host\r\n\r\n', 400],
  ['TRACE', 'TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n', 405],
])('%s is refused', async (_, bytes, status) => {
  let calls = 0;
  const { hub } = await serve(() => {
    calls++;
    return new Response();
  });
  expect((await rawRequest(hub.port, bytes)).status).toBe(status);
  expect(calls).toBe(0);
});
