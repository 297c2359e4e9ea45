/** HTTP beside the WebSocket, on the same port. */
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { Barriers } from './support/barriers.js';
import { fixture, startHub } from './support/hubs.js';
import { RawClient } from './support/raw-client.js';
import { rawRequest } from './support/raw-http.js';
import { until } from './support/until.js';

interface Answer {
  readonly message: IncomingMessage;
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
  readonly reusedSocket: boolean;
}

function fetchRaw(
  url: string,
  options: RequestOptions = {},
  ...chunks: (string | Uint8Array)[]
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, async (message) => {
      const parts: Buffer[] = [];
      for await (const part of message) parts.push(part);
      resolve({
        message,
        status: message.statusCode ?? 0,
        type: message.headers['content-type'] ?? '',
        body: Buffer.concat(parts),
        reusedSocket: outgoing.reusedSocket,
      });
    });
    outgoing.once('error', reject);
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
  });
}

function post(url: string, body: string | Uint8Array, type = 'text/plain'): Promise<Answer> {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
  return fetchRaw(`${url}/echo`, { method: 'POST', headers }, body);
}

describe('read-only routes', () => {
  test.each([
    ['/healthz', 'ok'],
    ['/readyz', 'ready'],
  ])('%s says %s', async (path, text) => {
    const { hub } = await startHub();
    const { status, type, body } = await fetchRaw(hub.url + path);
    expect({ status, text: body.toString().trim() }).toEqual({ status: 200, text });
    expect(type).toMatch(/^text\/plain/);
  });

  test('/stats is what stats() says, and every counter is there from the start', async () => {
    const { hub } = await startHub();
    const { status, type, body } = await fetchRaw(`${hub.url}/stats`);
    expect(status).toBe(200);
    expect(type).toMatch(/^application\/json/);
    const stats = JSON.parse(body.toString());
    expect({ ...stats, uptimeMs: 0 }).toEqual({ ...hub.stats(), uptimeMs: 0 });
    expect(stats).toMatchObject({ state: 'running', handler: 'echo', workers: 2, handlerErrors: 0 });
    const zeros = (names: string[]) => Object.fromEntries(names.map((name) => [name, 0]));
    expect(stats.rejected).toMatchObject(
      zeros([
        'not-a-websocket',
        'bad-method',
        'bad-version',
        'bad-origin',
        'bad-key',
        'starting',
        'draining',
        'not-found',
        'too-large',
      ]),
    );
    expect(stats.invalid).toMatchObject(zeros(['too-large', 'invalid-utf8', 'protocol-error']));
    expect(stats.dropped).toMatchObject(
      zeros(['drop-newest', 'drop-oldest', 'slow-consumer', 'connection-gone', 'draining']),
    );
    expect(stats.shards).toHaveLength(2);
  });

  test.each(['/healthz', '/readyz', '/stats'])('HEAD %s answers like GET, without the body', async (path) => {
    const { hub } = await startHub();
    const head = await fetchRaw(hub.url + path, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, type: (await fetchRaw(hub.url + path)).type });
    expect(head.body).toHaveLength(0);
    // Nothing of a body is on the wire, where a client would take it for the start of the next answer.
    const raw = await rawRequest(hub.port, `HEAD ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(raw.status).toBe(200);
  });

  test('one connection serves many requests', async () => {
    const { hub } = await startHub();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const paths = ['/healthz', '/stats', '/nowhere', '/readyz', '/ws', '/healthz'];
    const answers: Answer[] = [];
    for (const path of paths) answers.push(await fetchRaw(hub.url + path, { agent }));
    agent.destroy();
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 200, 426, 200]);
    expect(answers.slice(1).every(({ reusedSocket }) => reusedSocket)).toBe(true);
  });

  test('http: false leaves the WebSocket alone', async () => {
    const { hub } = await startHub({ http: false });
    for (const path of ['/healthz', '/readyz', '/stats', '/'])
      expect((await fetchRaw(hub.url + path)).status).toBe(404);
    expect((await post(hub.url, 'x')).status).toBe(404);
    const client = await RawClient.open(hub.port);
    client.text('still here');
    expect((await client.nextFrame())?.payload.toString()).toBe('still here');
  });
});

describe.each([2, 0])('POST /echo, workers: %i', (workers) => {
  test.each([
    ['text', 'text/plain; charset=utf-8', Buffer.from('grüße ✓')],
    ['JSON', 'application/json', Buffer.from('{"a":[1,2]}')],
    ['binary', 'application/octet-stream', Buffer.from([0, 255, 128, 10])],
    ['an empty text', 'text/plain', Buffer.alloc(0)],
    ['an empty binary', 'application/octet-stream', Buffer.alloc(0)],
    ['exactly maxPayload', 'application/octet-stream', Buffer.alloc(1_048_576, 7)],
  ])('%s comes back', async (_name, type, sent) => {
    const { hub } = await startHub({ workers });
    const { status, body } = await post(hub.url, sent, type);
    expect(status).toBe(200);
    expect(body.equals(sent)).toBe(true);
  });

  test('a chunked body is one message', async () => {
    const { hub } = await startHub({ workers });
    const chunks = Array.from({ length: 50 }, (_, i) => Buffer.alloc(i * 100, i));
    const { status, body } = await fetchRaw(`${hub.url}/echo`, { method: 'POST' }, ...chunks);
    expect(status).toBe(200);
    expect(body.equals(Buffer.concat(chunks))).toBe(true);
  });

  test('500 at once, each gets its own', async () => {
    const { hub } = await startHub({ workers });
    const agent = new Agent({ keepAlive: true, maxSockets: 100 });
    const bodies = Array.from({ length: 500 }, (_, i) => `${i}:${'x'.repeat((i * 37) % 5000)}`);
    const answers = await Promise.all(
      bodies.map((body) =>
        fetchRaw(
          `${hub.url}/echo`,
          { agent, method: 'POST', headers: { 'content-type': 'text/plain' } },
          body,
        ),
      ),
    );
    agent.destroy();
    expect(answers.map(({ status }) => status)).toEqual(Array(500).fill(200));
    expect(answers.map(({ body }) => body.toString())).toEqual(bodies);
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats().connections.open).toBe(0);
  });

  test('several replies make one body, none an empty one', async () => {
    const { hub } = await startHub({ workers, handler: fixture('kinds.mjs') });
    expect((await post(hub.url, 'generator')).body.toString()).toBe('g1G2g3');
    expect((await post(hub.url, 'async-generator')).body.toString()).toBe('a1async-generatorA3');
    const nothing = await post(hub.url, 'undefined');
    expect(nothing.status).toBeGreaterThanOrEqual(200);
    expect(nothing.status).toBeLessThan(300);
    expect(nothing.body).toHaveLength(0);
  });

  test('a handler that fails is a 500 for its own request', async () => {
    const { hub } = await startHub({ workers, handler: fixture('failing.mjs') });
    const answers = await Promise.all(
      ['fine', 'throw', 'reject', 'also fine'].map((body) => post(hub.url, body)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 500, 500, 200]);
    expect(answers[1]?.body.toString()).toMatch(/\S/);
    expect(answers[1]?.body.toString()).not.toContain('by the test');
    expect(hub.stats().handlerErrors).toBe(2);
  });

  test('a client that leaves, in its body or before the answer, leaves nothing behind', async () => {
    const { hub } = await startHub({ workers, handler: fixture('gates.mjs') });
    const barriers = new Barriers();
    const path = `/echo?dir=${encodeURIComponent(barriers.dir)}`;
    for (let i = 0; i < 20; i++) {
      const client = await RawClient.dial(hub.port);
      client.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n`,
      );
      client.write(i % 2 === 0 ? 'wa' : 'wait');
      if (i % 2 === 1) await barriers.waitFor('waiting', (i + 1) / 2);
      client.destroy();
    }
    expect((await post(hub.url, 'next')).body.toString()).toBe('next');
    barriers.lift('release');
    await until('every gauge to be back at zero', () => {
      const { messages, connections } = hub.stats();
      return messages.inFlight + messages.inFlightBytes + connections.open === 0;
    });
    expect((await post(hub.url, 'last')).body.toString()).toBe('last');
  });
});
