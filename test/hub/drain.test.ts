/** Closing a hub is a drain: what was accepted is answered, up to a deadline, and closing twice is closing once. */
import { describe, expect, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { handshakeRequest } from '../support/clients/raw-client.js';
import { dial, readResponse } from '../support/clients/raw-http.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { counted } from '../support/counters.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { turn, until } from '../support/until.js';

/** Sends as long as the connection takes it, with up to 30 messages unanswered, and checks the replies' order. */
async function keepAsking(client: WsClient): Promise<{ answered: number; code: number; inOrder: boolean }> {
  const ways = ['now', 'sync', 'timer', 'now', 'turn'];
  let sent = 0;
  let answered = 0;
  let inOrder = true;
  const send = () => {
    if (client.socket.readyState === client.socket.OPEN) client.send(`${ways[sent % ways.length]} ${sent++}`);
  };
  for (let i = 0; i < 30; i++) send();
  for (;;) {
    const reply = await client.nextText().catch(() => undefined);
    if (reply === undefined) return { answered, code: (await client.closed).code, inOrder };
    inOrder &&= reply === `${answered}`;
    answered++;
    send();
  }
}

describe.each([2, 0])('close under load, workers: %i', (workers) => {
  test('every message that was accepted is answered before its connection closes with 1001', async () => {
    const { hub } = await startHub({ workers, handler: fixture('order.mjs') });
    const clients = await connectMany(hub.wsUrl, 50);
    const work = clients.map(keepAsking);
    await until('traffic', () => {
      const { received, inFlight } = hub.stats().messages;
      return received > 5000 && inFlight > 0;
    });
    await hub.close();
    const outcomes = await Promise.all(work);
    expect(outcomes.filter(({ code, inOrder }) => code !== 1001 || !inOrder)).toEqual([]);
    const answered = outcomes.reduce((sum, outcome) => sum + outcome.answered, 0);
    const { messages, dropped, connections, state } = hub.stats();
    expect({ received: messages.received, sent: messages.sent }).toEqual({
      received: answered,
      sent: answered,
    });
    expect(messages).toMatchObject({ inFlight: 0, inFlightBytes: 0 });
    expect(counted({ ...dropped, draining: 0 })).toEqual({});
    expect(connections).toMatchObject({ open: 0, opened: 50, closed: { 1001: 50 } });
    expect(state).toBe('stopped');
  });

  test('while it drains: new ones are refused with 503, readyz says so, and who waits gets its answer', async () => {
    const { hub } = await startHub({ workers, handler: fixture('gates.mjs') });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    client.send('wait');
    await barriers.waitFor('waiting');
    const connections = await Promise.all([1, 2, 3].map(() => dial(hub.port)));
    // An answered request on each shows that the hub has accepted it, not only the kernel.
    for (const { socket, reader } of connections) {
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      expect((await readResponse(reader)).status).toBe(200);
    }
    const closing = hub.close();
    expect(hub.state).toBe('draining');
    const requests = [
      'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx',
      handshakeRequest(hub.port),
    ];
    for (const [i, { socket, reader }] of connections.entries()) {
      socket.write(requests[i]!);
      const { status, headers, body } = await readResponse(reader);
      expect(status).toBe(503);
      if (i === 0) expect(body.trim()).toBe('draining');
      if (i === 2) expect(headers['retry-after']).toMatch(/^\d+$/);
    }
    expect(hub.stats().rejected.draining).toBeGreaterThan(0);
    expect(client.waiting).toBe(0);
    barriers.lift('release');
    expect(await client.nextText()).toBe('waited');
    expect((await client.closed).code).toBe(1001);
    await closing;
  });

  test('a code of one’s own, and closing twice is closing once', async () => {
    const { hub } = await startHub({ workers });
    const client = await WsClient.connect(hub.wsUrl);
    const first = hub.close({ code: 1012 });
    const second = hub.close();
    expect(second).toBe(first);
    await Promise.all([first, second]);
    expect((await client.closed).code).toBe(1012);
    expect(hub.state).toBe('stopped');
    expect(hub.close()).toBe(first);
    await hub[Symbol.asyncDispose]();
    expect(hub.stats().connections).toMatchObject({ open: 0, closed: { 1012: 1 } });
  });

  test('the deadline ends a drain that a handler never finishes', async () => {
    const { hub } = await startHub({ workers, handler: fixture('gates.mjs') });
    const barriers = new Barriers();
    const client = await WsClient.connect(barriers.url(hub.wsUrl));
    client.send('wait');
    client.send('behind it');
    await barriers.waitFor('waiting');
    await hub.close({ timeoutMs: 50 });
    // Not answered, so it does not look like an orderly end.
    const { code } = await client.closed;
    expect([1001, 1011]).toContain(code);
    const after = hub.stats();
    expect(after).toMatchObject({
      state: 'stopped',
      connections: { open: 0 },
      messages: { inFlight: 0, inFlightBytes: 0 },
      dropped: { 'connection-gone': 2 },
    });
    barriers.lift('release');
    // Where no thread could be ended, the hook goes on: that changes nothing any more.
    if (workers === 0) await barriers.waitFor('released');
    for (let i = 0; i < 5; i++) await turn();
    expect(hub.stats().messages).toEqual(after.messages);
    await expect(WsClient.connect(hub.wsUrl)).rejects.toThrow(/ECONNREFUSED/);
  });
});
