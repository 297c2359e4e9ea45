/** Half surrogate pairs: all text that is encoded has U+FFFD for them, whichever thread encodes it. */
import { describe, expect, test } from 'vitest';
import type { HandlerErrorEvent } from '../../src/api/events.js';
import { fetchRaw } from '../support/clients/http-client.js';
import { tryHandshake } from '../support/clients/raw-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const HALF = 'Ann \ud83d';
const WHOLE = 'Ann \ufffd';
const handler = fixture('text.mjs');
const call = (...args: unknown[]) => JSON.stringify(args);

describe.each([1, 0])('workers: %i', (workers) => {
  test('frames of text are UTF-8', async () => {
    const { hub } = await startHub({ workers, handler });
    const client = await WsClient.connect(hub.wsUrl);
    for (const text of [HALF, '\udc00', 'a'.repeat(200_000) + HALF]) {
      const right = text.replaceAll(/[\ud800-\udfff]/g, '\ufffd');
      expect(await client.ask(call('return', text))).toBe(right);
      hub.broadcast(text);
      expect(await client.nextText()).toBe(right);
    }
    // What a handler writes to the bytes of a text is text too.
    expect(await client.ask(call('mutate'))).toBe(call('mutate'));
  });

  test.each([
    [HALF, WHOLE],
    ['\ud83d'.repeat(50), '\ufffd'.repeat(41)],
    [`${'a'.repeat(120)}😀`, 'a'.repeat(120)],
    [`${'a'.repeat(119)}😀`, `${'a'.repeat(119)}😀`],
    [`${'a'.repeat(122)}\ud83d`, 'a'.repeat(122)],
    [`${'a'.repeat(123)}😀${'b'.repeat(1_000_000)}`, 'a'.repeat(123)],
  ])('the reason of a close is cut at a character (%#)', async (reason, expected) => {
    const { hub } = await startHub({ workers, handler });
    const ends = await Promise.all(
      ['handler', 'application'].map(async (by) => {
        const client = await WsClient.connect(`${hub.wsUrl}?${by}`);
        if (by === 'handler') client.send(call('close', 4001, reason));
        else {
          const [own] = hub.connections({ where: ({ request }) => request.query === by });
          own!.close(4001, reason);
        }
        return client.closed;
      }),
    );
    for (const end of ends) expect(end).toEqual({ code: 4001, reason: expected });
  });

  test('a topic is one topic in all threads, and so is a key', async () => {
    const { hub } = await startHub({ workers, handler });
    const client = await WsClient.connect(hub.wsUrl);
    expect(await client.ask(call('subscribe', HALF))).toBe('subscribe');
    expect(hub.topics()).toEqual(new Map([[WHOLE, 1]]));
    const [connection] = hub.connections({ topic: HALF });
    expect(connection!.subscribe(HALF)).toBe(false);
    expect(hub.publish(HALF, 'from the hub')).toBe(1);
    expect(await client.nextText()).toBe('from the hub');
    client.send(call('publish', HALF, 'from the handler', { toSelf: true }));
    expect((await client.collectTexts(2)).sort()).toEqual(['from the handler', 'publish']);
    expect(await client.ask(call('unsubscribe', HALF))).toBe('unsubscribe');
    expect(hub.topics().size).toBe(0);
    expect(connection!.unsubscribe(HALF)).toBe(false);
  });

  test('a key is a string', async () => {
    const { hub } = await startHub({ workers, handler, onHandlerError: 'ignore' });
    const errors: HandlerErrorEvent[] = [];
    hub.on('handlerError', (event) => errors.push(event));
    const client = await WsClient.connect(hub.wsUrl);
    client.send(call('publish', 'a', 'b', { conflate: 5 }));
    await until('the error', () => errors.length === 1);
    expect(errors[0]!.error.message).toBe('conflate takes true, false or a string, not 5');
    const conflate = 5 as unknown as string;
    expect(() => hub.publish('a', 'b', { conflate })).toThrow(errors[0]!.error.message);
  });
});

test('over HTTP: the body of a refusal is UTF-8, and a header is bytes', async () => {
  const { hub } = await startHub({ upgrade: () => ({ reject: 403, body: HALF }) });
  const { status, body } = await tryHandshake(hub.port);
  expect([status, body.toString()]).toEqual([403, `${WHOLE}\n`]);
  hub.http(() => {
    const headers = new Map([['x-name', 'łukasz']]);
    return { status: 200, statusText: '', headers, body: null } as unknown as Response;
  });
  expect((await fetchRaw(`${hub.url}/`)).status).toBe(500);
});

test('a subprotocol that is no token cannot be chosen, though the client offers it', async () => {
  const { hub } = await startHub({ upgrade: ({ subprotocols }) => ({ subprotocol: subprotocols[0] }) });
  for (const offer of ['a b', 'a"b', 'a/b, plain']) {
    const { status, headers } = await tryHandshake(hub.port, {
      headers: { 'sec-websocket-protocol': offer },
    });
    const chosen = offer.includes('plain') ? 'plain' : undefined;
    expect([status, headers['sec-websocket-protocol']]).toEqual([101, chosen]);
  }
});
