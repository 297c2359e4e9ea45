/** Hooks as spans of OpenTelemetry, in the worker thread of a real hub. */
import { fileURLToPath } from 'node:url';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { traceHandlers } from 'shardhub/otel';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

interface Told {
  readonly name: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent?: string;
  readonly links: string[];
  readonly status: { code: SpanStatusCode; message?: string };
  readonly attributes: Record<string, unknown>;
  readonly exceptions: string[];
}

async function startTraced() {
  const { hub } = await startHub({
    workers: 1,
    path: '/chat',
    handler: fixture('traced.mjs'),
    workerExecArgv: ['--import', fileURLToPath(fixture('otel.mjs'))],
    handlerTimeoutMs: 200,
    onHandlerError: 'ignore',
  });
  const connect = (headers: Record<string, string> = {}) =>
    WsClient.connect(`${hub.wsUrl}?token=secret`, { headers });
  const observer = await connect();
  /** Those that have ended since it was asked last, but for what it takes to ask. */
  const spans = async () => {
    const told: Told[] = JSON.parse(await observer.ask('?'));
    return told.filter(
      ({ name, attributes }) => name === 'own' || attributes['messaging.message.body.size'] !== 1,
    );
  };
  await spans();
  return { connect, spans };
}

test('a message is a span that links to the trace of the handshake, with nothing in it that was sent', async () => {
  const { connect, spans } = await startTraced();
  const client = await connect({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` });
  await client.ask('now');
  const untraced = await connect();
  await untraced.ask('now');
  await untraced.ask('items');
  const told = await spans();
  expect(told.map(({ name }) => name)).toEqual([
    ...['open /chat', 'own', 'process /chat', 'open /chat', 'own', 'process /chat', 'own', 'process /chat'],
  ]);
  const [, , hook, , , other] = told;
  expect(hook).toMatchObject({
    kind: SpanKind.CONSUMER,
    links: [`${TRACE_ID}-${SPAN_ID}`],
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'messaging.system': 'shardhub',
      'messaging.operation.name': 'process',
      'messaging.destination.name': '/chat',
      'messaging.message.body.size': 3,
    },
  });
  // Each is the root of a trace of its own.
  expect([hook!.parent, other!.parent, other!.links]).toEqual([undefined, undefined, []]);
  expect(new Set([TRACE_ID, hook!.traceId, other!.traceId]).size).toBe(3);
  expect(JSON.stringify(told)).not.toMatch(/secret|"now"/);
});

test('spans that a hook makes are children of its own, whenever it makes them', async () => {
  const { connect, spans } = await startTraced();
  const client = await connect({ baggage: 'tenant=blue' });
  await spans();
  for (const way of ['now', 'later', 'items', 'stream']) {
    const reply = await client.ask(way);
    if (way === 'later') expect(reply).toBe('blue');
    const told: Told[] = [];
    // A stream is through when its reader has been told so.
    await until('the end of the hook', async () => told.push(...(await spans())) === 2);
    const [own, hook] = told;
    expect([own!.name, hook!.name], way).toEqual(['own', 'process /chat']);
    expect([own!.parent, own!.traceId], way).toEqual([hook!.spanId, hook!.traceId]);
  }
});

test('a hook that fails, or does not finish in time, is a span that says so; a peer’s mistake is no error', async () => {
  const { connect, spans } = await startTraced();
  const [client, other] = [await connect(), await connect()];
  client.send('throws');
  client.send('never');
  other.send('rejects');
  expect((await client.closed).code).toBe(1011);
  expect((await other.closed).code).toBe(1007);
  const told = (await spans()).filter(({ name }) => name === 'process /chat');
  const outcomes = told.map(({ status, exceptions }) => [status.code, ...exceptions]);
  expect(outcomes.sort()).toEqual(
    [
      [SpanStatusCode.ERROR, 'broken'],
      [SpanStatusCode.ERROR, 'a hook did not finish within 200 ms'],
      [SpanStatusCode.UNSET, 'no such thing'],
    ].sort(),
  );
});

test('a ratio that is none is refused', () => {
  for (const ratio of [-1, 1.5, Number.NaN, '1' as never])
    expect(() => traceHandlers({ ratio })).toThrow(/ratio got .* but takes a number from 0 to 1/);
});
