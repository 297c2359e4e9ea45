/** What a closed hub leaves behind: no thread, no socket, no port, nothing that keeps a process alive. */
import { createHub } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { RawClient } from '../support/clients/raw-client.js';
import { dial, readResponse } from '../support/clients/raw-http.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { engineUnderTest } from '../support/engines/under-test.mjs';
import { freePort } from '../support/processes/ports.js';
import { startHubProcess, threadCount } from '../support/processes/processes.js';
import { Opcode } from '../support/protocol/frames.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { turn, until } from '../support/until.js';

test('threads that loop forever are gone when close has resolved', async () => {
  // A first hub starts what the process keeps for good, such as the threads of libuv.
  await (await startHub()).hub.close();
  const before = threadCount();
  const { hub } = await startHub({ handler: fixture('gates.mjs') });
  const barriers = new Barriers();
  const clients = await connectMany(barriers.url(hub.wsUrl), 4);
  for (const client of clients) client.send('loop');
  await barriers.waitFor('looping', 2);
  if (before !== undefined) expect(threadCount()).toBeGreaterThanOrEqual(before + 2);
  await hub.close({ timeoutMs: 50 });
  expect(hub.stats().connections.open).toBe(0);
  await Promise.all(clients.map((client) => client.closed));
  if (before !== undefined) expect(threadCount()).toBeLessThanOrEqual(before);
});

test('a thread is gone when close has resolved, even if nobody is connected', async () => {
  await (await startHub()).hub.close();
  const before = threadCount();
  const { hub } = await startHub({ handler: fixture('gates.mjs') });
  const barriers = new Barriers();
  for (let i = 0; i < 2; i++) {
    const client = await RawClient.dial(hub.port);
    const path = `/echo?dir=${encodeURIComponent(barriers.dir)}`;
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nloop`,
    );
  }
  await barriers.waitFor('looping', 2);
  await hub.close({ timeoutMs: 0 });
  if (before !== undefined) expect(threadCount()).toBeLessThanOrEqual(before);
});

test('an HTTP connection that was kept alive is closed with the hub', async () => {
  const { hub } = await startHub();
  const { socket, reader } = await dial(hub.port);
  const request = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  socket.write(request);
  expect((await readResponse(reader)).status).toBe(200);
  await hub.close();
  socket.write(request);
  // Not an answer, but the end.
  expect(await reader.takeRest()).toHaveLength(0);
});

describe('a stalled reader at close', () => {
  async function stall() {
    const { hub } = await startHub({ handler: fixture('replies.mjs') });
    const client = await RawClient.open(hub.port);
    client.pause();
    let asked = 0;
    while (hub.stats().outbound.queuedMessages < 5) {
      client.text(`reply ${asked++} 200000`);
      await until(
        'the reply',
        () => hub.stats().messages.inFlight === 0 && hub.stats().messages.received === asked,
      );
    }
    return { hub, client, asked };
  }

  test('holds it up until the deadline at most', async () => {
    const { hub, client } = await stall();
    await hub.close({ timeoutMs: 50 });
    expect(hub.stats()).toMatchObject({
      state: 'stopped',
      connections: { open: 0 },
      outbound: { queuedBytes: 0 },
    });
    client.resume();
    await client.readToEnd();
  });

  test('gets everything and 1001 when it reads on in time', async () => {
    const { hub, client, asked } = await stall();
    const closing = hub.close();
    await turn();
    client.resume();
    const { frames, code } = await client.readToEnd();
    expect(frames.map(({ payload }) => payload.toString('latin1').split(' ')[0])).toEqual(
      Array.from({ length: asked }, (_, i) => `${i}`),
    );
    expect(code).toBe(1001);
    client.frame({ opcode: Opcode.Close, payload: Buffer.from([3, 233]) });
    await closing;
    expect(hub.stats().connections.closed).toMatchObject({ 1001: 1 });
  });
});

test('the port can be used again at once, though clients were connected', async () => {
  const port = await freePort();
  for (const round of ['first', 'second', 'third']) {
    const { hub } = await startHub({ port });
    const clients = await connectMany(hub.wsUrl, 20);
    expect(await Promise.all(clients.map((client) => client.ask(round)))).toEqual(Array(20).fill(round));
    await hub.close();
  }
});

test('await using closes the hub at the end of the block', async () => {
  let wsUrl: string;
  {
    await using hub = await createHub({ ...engineUnderTest, port: 0, workers: 1 });
    wsUrl = hub.wsUrl;
    expect(await (await WsClient.connect(wsUrl)).ask('hi')).toBe('hi');
  }
  await expect(WsClient.connect(wsUrl)).rejects.toThrow(/ECONNREFUSED/);
});

test('several hubs live side by side, and closing one leaves the others alone', async () => {
  const hubs = [await startHub(), await startHub({ handler: 'done' }), await startHub({ workers: 0 })];
  const clients = await Promise.all(hubs.map(({ hub }) => WsClient.connect(hub.wsUrl)));
  expect(new Set(hubs.map(({ hub }) => hub.port)).size).toBe(3);
  expect(await Promise.all(clients.map((client) => client.ask('a')))).toEqual(['a', 'binary:a done', 'a']);
  await hubs[0]!.hub.close();
  expect((await clients[0]!.closed).code).toBe(1001);
  expect(await Promise.all(clients.slice(1).map((client) => client.ask('b')))).toEqual([
    'binary:b done',
    'b',
  ]);
});

test('a process whose hub was closed exits by itself', async () => {
  const hub = await startHubProcess({});
  const clients = await connectMany(hub.wsUrl, 10);
  for (const client of clients) client.send('last');
  expect(await Promise.all(clients.map((client) => client.nextText()))).toEqual(Array(10).fill('last'));
  await hub.close();
  for (const client of clients) expect((await client.closed).code).toBe(1001);
  expect(await hub.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
});
