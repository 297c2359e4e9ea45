/** A message that its handler does not take is the client's fault: its connection is closed and told why, and the log is quiet. */
import { describe, expect, test } from 'vitest';
import { post } from '../support/clients/http-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, type LogLine, recordingLogger, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const NOT_UTF8 = Uint8Array.of(0x68, 0xff, 0x69);

const BAD: [what: string, message: string | Uint8Array, code: number, reason: string, before: string[]][] = [
  ['thrown', 'throw', 1008, 'not a move', []],
  ['rejected', 'reject', 1008, 'not a move', []],
  ['thrown by a generator', 'generator', 1008, 'not a move', ['before']],
  ['thrown by an async generator', 'async-generator', 1008, 'not a move', ['before']],
  ['of another copy of the package', 'foreign', 4400, 'of a bundle', []],
  ['with a long reason, which is cut', 'long', 1007, 'é'.repeat(61), []],
  ['json() of what is none', '{"open": ', 1007, 'the message is not JSON', []],
  ['text() of bytes that are none', NOT_UTF8, 1007, 'the message is not UTF-8', []],
];

async function start(options: Parameters<typeof startHub>[0]) {
  const { hub, log } = await startHub({ handler: fixture('bad-messages.mjs'), ...options });
  const events: unknown[] = [];
  hub.on('handlerError', (event) => events.push(event));
  const expectQuiet = (bad: number) => {
    expect(events).toEqual([]);
    expect(log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    expect(hub.stats()).toMatchObject({ handlerErrors: 0, workerExits: 0, invalid: { 'bad-message': bad } });
  };
  return { hub, log, events, expectQuiet };
}

describe.each([2, 0])('workers: %i', (workers) => {
  describe.each(['close', 'ignore'] as const)('onHandlerError: %s', (onHandlerError) => {
    test.each(['serial', 'concurrent', 'unordered'] as const)(
      '%s: closed with what it says',
      async (ordering) => {
        const { hub, expectQuiet } = await start({ workers, onHandlerError, ordering });
        const bystander = await WsClient.connect(hub.wsUrl);
        for (const [what, message, code, reason, before] of BAD) {
          const client = await WsClient.connect(hub.wsUrl);
          expect(await client.ask('first'), what).toBe('first');
          client.send(message);
          expect(await client.closed, what).toEqual({ code, reason });
          expect(await client.collectTexts(client.waiting), what).toEqual(before);
        }
        expect(await bystander.ask('{"a":1}')).toBe('{"a":1}');
        bystander.send(Buffer.from('hé'));
        expect(await bystander.nextText()).toBe('text hé');
        expectQuiet(BAD.length);
      },
    );
  });

  test('nothing behind it begins', async () => {
    const { hub, expectQuiet } = await start({ workers, onHandlerError: 'ignore' });
    const client = await WsClient.connect(hub.wsUrl);
    for (const text of ['first', 'throw', 'never', 'throw']) client.send(text);
    expect(await client.nextText()).toBe('first');
    expect((await client.closed).code).toBe(1008);
    expect(client.waiting).toBe(0);
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
    expectQuiet(1);
  });

  test('open closes a connection so too, close changes nothing', async () => {
    const { hub, expectQuiet } = await start({ workers });
    const refused = await WsClient.connect(`${hub.wsUrl}?open`);
    expect(await refused.closed).toEqual({ code: 1007, reason: 'not a query' });
    const client = await WsClient.connect(`${hub.wsUrl}?close`);
    await client.close(1000);
    await until('both to be counted', () => hub.stats().invalid['bad-message'] === 2);
    expectQuiet(2);
  });

  test('POST /echo: 400 with the reason', async () => {
    const { hub, expectQuiet } = await start({ workers });
    for (const [body, reason] of [
      ['throw', 'not a move\n'],
      ['{', 'the message is not JSON\n'],
    ] as const) {
      const answer = await post(hub.url, body);
      expect([answer.status, answer.body.toString()]).toEqual([400, reason]);
    }
    expectQuiet(2);
  });

  test('what it says is cut before it crosses and is logged', async () => {
    const log: LogLine[] = [];
    const { hub } = await start({ workers, logger: recordingLogger(log) });
    const client = await WsClient.connect(hub.wsUrl);
    client.send('huge');
    expect((await client.closed).code).toBe(1007);
    const { details } = log.find(({ message }) => message === 'a message is bad')!;
    expect(String(details.reason).length).toBeLessThan(17_000);
  });

  test.each([
    ['a close code that may not be sent', 'mistaken', 'close code 1006'],
    ['no close code', 'forged', 'no close code'],
  ])('%s: an error of the handler', async (_, command, text) => {
    const { hub, log, events } = await start({ workers });
    const client = await WsClient.connect(hub.wsUrl);
    client.send(command);
    expect((await client.closed).code).toBe(1011);
    expect(events).toHaveLength(1);
    expect(JSON.stringify(log)).toContain(text);
    expect(hub.stats()).toMatchObject({ handlerErrors: 1, invalid: { 'bad-message': 0 } });
  });
});

test('many of them write nothing', async () => {
  const { hub, expectQuiet } = await start({ ordering: 'unordered' });
  for (let round = 0; round < 10; round++) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => WsClient.connect(hub.wsUrl)));
    for (const client of clients) client.send('{');
    for (const client of clients) expect((await client.closed).code).toBe(1007);
  }
  expectQuiet(200);
});
