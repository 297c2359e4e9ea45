/** `POST /echo`: one message of a connection that lives for the request, through the same workers. */
import { Agent } from 'node:http';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { fetchRaw, post } from '../../support/clients/http-client.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

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

  test('a handler learns that its client has left, and closes its connection', async () => {
    const { hub } = await startHub({ workers, handler: fixture('hooks.mjs') });
    const barriers = new Barriers();
    const client = await RawClient.dial(hub.port);
    client.write(
      `POST /echo?dir=${encodeURIComponent(barriers.dir)} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nuntil-gone`,
    );
    await barriers.waitFor('waiting');
    client.destroy();
    const [closed] = await barriers.waitForNotes('close', 1);
    expect(closed).toMatch(/ 1006 .*seen:1 aborted:true$/);
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expect(hub.stats().handlerErrors).toBe(0);
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
