/** What a hook that fails costs by `onHandlerError`, how it is told, and a handler's module that breaks while the hub runs. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HandlerErrorEvent } from '../../src/api/events.js';
import { fetchRaw, post } from '../support/clients/http-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { fixture, type LogLine, startHub } from '../support/servers/hubs.js';
import { connectOnShards } from '../support/servers/shards.js';
import { until } from '../support/until.js';

const FAILURES: [command: string, message: string][] = [
  ['throw', 'thrown by the test'],
  ['reject', 'rejected by the test'],
];

/** The lines of any level that tell of a failure, which must be one error with the handler's stack. */
function expectOneError(log: LogLine[], message: string, place: object): void {
  const lines = log.filter((line) => JSON.stringify(line).includes(message));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 'error', details: place });
  const { err } = lines[0]!.details as { err: { message: string; stack: string } };
  expect(err.message).toBe(message);
  expect(err.stack).toMatch(/\n\s+at .*faults\.mjs:\d+/);
}

describe.each(FAILURES)('a hook that ends with %s', (command, message) => {
  test('costs its own connection, nobody else on the shard, and not the thread', async () => {
    const { hub, log } = await startHub({ handler: fixture('faults.mjs') });
    const errors: HandlerErrorEvent[] = [];
    hub.on('handlerError', (event) => errors.push(event));
    // Shard 1, so that no zero passes for it.
    const [, [failing, ...neighbours]] = (await connectOnShards(hub, 3)) as [WsClient[], WsClient[]];
    const connection = await failing!.ask('id');
    failing!.send(command);
    expect((await failing!.closed).code).toBe(1011);
    for (const client of neighbours) expect(await client.ask('after')).toBe('after');
    expect(errors).toMatchObject([{ shard: 1, connection, error: { message } }]);
    expect(errors[0]!.error.stack).toContain('faults.mjs');
    expectOneError(log, message, { shard: 1, connection });
    expect(hub.stats()).toMatchObject({
      handlerErrors: 1,
      workerExits: 0,
      crashed: 0,
      connections: { closed: { 1011: 1 } },
    });
  });

  test.each([2, 0])('workers: %i, ignore: the connection goes on, without an answer', async (workers) => {
    const { hub, log } = await startHub({
      workers,
      handler: fixture('faults.mjs'),
      onHandlerError: 'ignore',
    });
    const errors: HandlerErrorEvent[] = [];
    hub.on('handlerError', (event) => errors.push(event));
    const client = await WsClient.connect(hub.wsUrl);
    const connection = await client.ask('id');
    for (const text of ['before', command, 'after']) client.send(text);
    expect(await client.collectTexts(2)).toEqual(['before', 'after']);
    expect(await client.ask('id')).toBe(connection);
    expect(client.waiting).toBe(0);
    expect(errors).toMatchObject([{ shard: 0, connection, error: { message } }]);
    expectOneError(log, message, { shard: 0, connection });
    expect(hub.stats()).toMatchObject({
      handlerErrors: 1,
      workerExits: 0,
      connections: { open: 1 },
      messages: { received: 5, sent: 4, inFlight: 0 },
    });
    // Each failure by itself.
    client.send(command);
    expect(await client.ask('again')).toBe('again');
    expect(hub.stats().handlerErrors).toBe(2);
    expect(errors).toHaveLength(2);
  });
});

test.each([2, 0])('workers: %i, ignore: an open that throws costs nothing either', async (workers) => {
  const { hub, log } = await startHub({ workers, handler: fixture('faults.mjs'), onHandlerError: 'ignore' });
  const client = await WsClient.connect(`${hub.wsUrl}?fail-open`);
  expect(await client.ask('served')).toBe('served');
  expect(hub.stats()).toMatchObject({ handlerErrors: 1, connections: { open: 1 } });
  expectOneError(log, 'thrown by open', { shard: 0 });
});

describe('a module that no longer loads', () => {
  function copyOfHandler() {
    const dir = temporaryFolder();
    const handler = join(dir, 'faults.mjs');
    const mend = () => copyFileSync(fixture('faults.mjs'), handler);
    mend();
    return { handler, mend, break: (source: string) => writeFileSync(handler, source) };
  }

  test.each([
    ['a syntax error', 'export default {'],
    ['an error at load', 'throw new Error("thrown at load");'],
    ['no handler in it', 'export default 1;'],
  ])('%s: it is tried again, rests, and serves when it is mended', async (_what, source) => {
    const module = copyOfHandler();
    const { hub, log } = await startHub({
      workers: 1,
      handler: module.handler,
      maxRestarts: 2,
      restartPauseMs: 50,
    });
    let rests = 0;
    hub.on('workerRest', () => rests++);
    const [kept, poisoned] = [await WsClient.connect(hub.wsUrl), await WsClient.connect(hub.wsUrl)];
    expect(await kept.ask('before')).toBe('before');
    module.break(source);
    poisoned.send('exit');
    expect((await poisoned.closed).code).toBe(1011);
    expect((await kept.closed).code).toBe(1013);
    // More than one rest: nobody gives up.
    await until('another rest', () => rests >= 3);
    expect((await fetchRaw(`${hub.url}/healthz`)).status).toBe(200);
    expect(hub.state).toBe('running');
    expect(hub.stats()).toMatchObject({ workerExits: 1, workerRestarts: 0, crashed: 1 });
    // The death and two attempts make the first rest, and every one that follows is three attempts more.
    const failed = log.filter(({ details }) => String(details.reason).includes('faults.mjs'));
    expect(failed.length).toBeGreaterThanOrEqual(2 + 3 + 3);
    expect(failed.every(({ level, details }) => level === 'error' && details.shard === 0)).toBe(true);

    module.mend();
    await until('a worker', () => hub.stats().workerRestarts === 1);
    expect(hub.stats().shards).toMatchObject([{ state: 'up' }]);
    const { status, body } = await fetchRaw(`${hub.url}/readyz`);
    expect([status, body.toString()]).toEqual([200, 'ready\n']);
    const late = await WsClient.connect(hub.wsUrl);
    expect(await late.ask('after')).toBe('after');
    expect((await post(hub.url, 'by http')).body.toString()).toBe('by http');
  });

  test('the other shard goes on with what it has loaded, and is the only one that is given connections', async () => {
    const module = copyOfHandler();
    const { hub } = await startHub({ handler: module.handler, maxRestarts: 1, restartPauseMs: 86_400_000 });
    const [[poisoned], [other]] = (await connectOnShards(hub, 1)) as [WsClient[], WsClient[]];
    module.break('export default {');
    poisoned!.send('exit');
    await until('the rest', () => hub.stats().shards[0]!.state === 'resting');
    expect(await other!.ask('still there')).toBe('still there');
    const late = await WsClient.connect(hub.wsUrl);
    expect(await late.ask('served')).toBe('served');
    expect(hub.stats().shards[0]).toMatchObject({ connections: 0 });
  });
});
