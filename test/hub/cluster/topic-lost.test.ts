/** The hook `topicLost`: handlers are told when a topic of their connection has lost what nobody can be sent any more. */
import { createHub, type Hub, type HubBroker, type HubOptions, type Position } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MAKE_BROKER } from '../../../src/api/broker.js';
import type { BrokerHost } from '../../../src/broker/broker.js';
import { MemoryBroker } from '../../../src/broker/memory-broker.js';
import { Barriers } from '../../support/barriers.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { fixture } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const SIZE = 2;

/** In memory; its hub hears nothing of what is published while it is deaf. */
class DeafBroker extends MemoryBroker {
  host: BrokerHost | undefined;
  isDeaf = false;

  override start(host: BrokerHost): Promise<void> {
    this.host = host;
    const { node, histories } = host;
    return super.start({
      node,
      histories,
      boundsOf: (topic) => host.boundsOf(topic),
      onMessage: (...message) => host.onMessage(...message),
      onPublication: (...publication) => this.isDeaf || host.onPublication(...publication),
      onSignal: (...signal) => host.onSignal(...signal),
      onState: (...state) => host.onState(...state),
      onResumed: () => host.onResumed(),
    });
  }
}

async function startLosing(options: HubOptions) {
  const broker = new DeafBroker();
  const made = { name: 'deaf', [MAKE_BROKER]: () => broker } as HubBroker;
  const topics = { 'news:*': { history: { size: SIZE } } };
  const hub: Hub = await createHub({
    port: 0,
    topics,
    ...(options.routes === undefined && { handler: fixture('topic-lost.mjs') }),
    broker: made,
    logLevel: 'silent',
    ...options,
  });
  onTestFinished(() => hub.close({ timeoutMs: 50 }));
  const told: Position[] = [];
  hub.on('topicLost', (_, position) => told.push(position));
  const barriers = new Barriers();
  const connect = (path = '/ws') => WsClient.connect(barriers.url(new URL(path, hub.wsUrl).href));
  /** More than is kept passes it by. */
  const lose = async () => {
    const before = told.length;
    broker.isDeaf = true;
    for (let i = 0; i <= SIZE; i++) await hub.publish('news:1', `${i}`);
    broker.isDeaf = false;
    broker.host!.onResumed();
    await until('it to be noticed', () => told.length > before);
    return told.at(-1)!;
  };
  return { hub, barriers, connect, lose };
}

describe.each([2, 0])('workers: %i', (workers) => {
  test('each subscriber is told once, in its place among its messages, and nobody else', async () => {
    const { hub, barriers, connect, lose } = await startLosing({ workers });
    const [idle, busy, stranger] = [await connect(), await connect(), await connect()];
    for (const client of [idle, busy]) expect(await client.ask('subscribe')).toBe('subscribe');
    busy.send('wait');
    await barriers.waitFor('wait');
    const position = await lose();
    busy.send('after');
    const loss = { topic: 'news:1', ...position, since: { ...position, offset: 0 } };
    expect(position.offset).toBe(SIZE + 1);
    expect(JSON.parse(await idle.nextText())).toEqual(loss);
    barriers.lift('release');
    expect(await busy.nextText()).toBe('wait');
    expect(JSON.parse(await busy.nextText())).toEqual(loss);
    expect(await busy.nextText()).toBe('after');
    await hub.publish('news:1', 'goes on');
    for (const client of [idle, busy]) expect(await client.nextText()).toBe('goes on');
    expect(await stranger.ask('hello')).toBe('hello');
    await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
  });
});

test('with concurrent messages, it is told behind those that came before and before those that came after', async () => {
  const { barriers, connect, lose } = await startLosing({ workers: 1, ordering: 'concurrent' });
  const client = await connect();
  expect(await client.ask('subscribe')).toBe('subscribe');
  client.send('wait');
  await barriers.waitFor('wait');
  const position = await lose();
  client.send('after');
  client.send('reach');
  // What came after has been worked on before it may leave.
  await barriers.waitFor('reach');
  barriers.lift('release');
  expect(await client.nextText()).toBe('wait');
  expect(JSON.parse(await client.nextText())).toMatchObject(position);
  expect([await client.nextText(), await client.nextText()]).toEqual(['after', 'reach']);
});

test('what a dead worker had not begun to tell, its replacement tells', async () => {
  const { barriers, connect, lose } = await startLosing({ workers: 1 });
  const [subscriber, deadly] = [await connect(), await connect()];
  await subscriber.ask('subscribe');
  deadly.send('die');
  await barriers.waitFor('die');
  const position = await lose();
  barriers.lift('release');
  expect(JSON.parse(await subscriber.nextText())).toMatchObject({ topic: 'news:1', ...position });
  expect((await deadly.closed).code).toBe(1011);
});

test('what waits to be told is bounded; who is not told is not closed for it', async () => {
  const routes = {
    '/ws': { handler: fixture('topic-lost.mjs') },
    '/untold': { handler: fixture('topic-lost-untold.mjs') },
  };
  const { barriers, connect, lose } = await startLosing({ workers: 1, maxInFlight: 1, routes });
  const [stuck, untold] = [await connect(), await connect('/untold')];
  for (const client of [stuck, untold]) {
    await client.ask('subscribe');
    client.send('wait');
  }
  await barriers.waitFor('wait', 2);
  for (let i = 0; i < 2; i++) await lose();
  expect((await stuck.closed).code).toBe(1013);
  barriers.lift('release');
  expect([await untold.nextText(), await untold.ask('after')]).toEqual(['wait', 'after']);
});
