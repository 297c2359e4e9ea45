/** The routes beside the WebSocket, on the same port: health, readiness and statistics. */
import { Agent } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Answer, fetchRaw, post } from '../../support/clients/http-client.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { dial, readResponse } from '../../support/clients/raw-http.js';
import { counted } from '../../support/counters.js';
import { startHub } from '../../support/servers/hubs.js';

const REJECTED = [
  'not-a-websocket',
  'bad-method',
  'bad-version',
  'bad-origin',
  'bad-key',
  'bad-host',
  'bad-token',
  'token-required',
  'starting',
  'draining',
  'not-found',
  'too-large',
  'overloaded',
  'max-connections',
  'max-connections-per-address',
  'connection-rate',
  'too-many-streams',
];
const INVALID = ['too-large', 'invalid-utf8', 'protocol-error', 'rate-limit'];
const DROPPED = ['drop-newest', 'drop-oldest', 'slow-consumer', 'connection-gone', 'draining', 'overload'];

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
    // Names that users build alerts on: there from the start, and 0.
    expect(Object.keys(stats.rejected)).toEqual(expect.arrayContaining(REJECTED));
    expect(Object.keys(stats.invalid)).toEqual(expect.arrayContaining(INVALID));
    expect(Object.keys(stats.dropped)).toEqual(expect.arrayContaining(DROPPED));
    for (const group of [stats.rejected, stats.invalid, stats.dropped, stats.messages, stats.outbound])
      expect(counted(group)).toEqual({});
    expect(stats.shards).toHaveLength(2);
  });

  test.each(['/healthz', '/readyz', '/stats'])('HEAD %s answers like GET, without the body', async (path) => {
    const { hub } = await startHub();
    const head = await fetchRaw(hub.url + path, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, type: (await fetchRaw(hub.url + path)).type });
    expect(head.body).toHaveLength(0);
    // Nothing of a body is on the wire, where a client would take it for the start of the next answer. By chance, engine uws ends it
    // in another way.
    const random = vi.spyOn(Math, 'random');
    onTestFinished(() => random.mockRestore());
    for (const chance of [0, 0.5]) {
      random.mockReturnValue(chance);
      const { socket, reader } = await dial(hub.port);
      socket.write(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect((await readResponse(reader, false)).status).toBe(200);
      expect(await reader.takeRest()).toHaveLength(0);
    }
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
