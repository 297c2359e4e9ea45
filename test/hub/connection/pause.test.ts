/** `overload: 'pause'`, on engine node: who sends more than is worked on is read later, and loses nothing. */
import { expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { encodeFrame, Opcode } from '../../support/protocol/frames.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const text = (payload: string) => encodeFrame({ opcode: Opcode.Text, payload });

test('a peer over its bound is not read, and read again from half of it on: everything is answered, in order', async () => {
  const barriers = new Barriers();
  const { hub } = await startHub({
    engine: 'node',
    handler: fixture('gates.mjs'),
    maxInFlight: 10,
    workers: 1,
  });
  expect(hub.options.overload).toBe('pause');
  const client = await RawClient.open(hub.port, { path: `/ws?dir=${encodeURIComponent(barriers.dir)}` });
  const bystander = await WsClient.connect(hub.wsUrl);
  const texts = Array.from({ length: 5000 }, (_, i) => `message ${i}`);
  client.write(Buffer.concat([text('wait'), ...texts.map(text)]));
  await until('the pause', () => hub.stats().readPauses === 1);
  // Its introduction to the worker is a record, too.
  expect(hub.stats().messages.inFlight).toBeLessThanOrEqual(12);
  // Whoever is within their bound is served.
  expect(await bystander.ask('hello')).toBe('hello');
  expect(hub.stats().messages.received).toBe(12);
  barriers.lift('release');
  for (const expected of ['waited', ...texts])
    expect(String((await client.nextFrame())!.payload)).toBe(expected);
  expect(hub.stats()).toMatchObject({ shed: 0, dropped: { overload: 0 }, connections: { open: 2 } });
  expect(hub.stats().readPauses).toBeGreaterThan(100);
});

test('bytes in flight are bounded alike, whatever the sizes', async () => {
  const barriers = new Barriers();
  const { hub } = await startHub({
    engine: 'node',
    handler: fixture('gates.mjs'),
    maxInFlightBytesPerConnection: 100_000,
  });
  const client = await WsClient.connect(barriers.url(hub.wsUrl));
  client.send('wait');
  const sizes = Array.from({ length: 200 }, (_, i) => (i * 7919) % 60_000);
  for (const size of sizes) client.send(Buffer.alloc(size, size));
  await until('the pause', () => hub.stats().readPauses === 1);
  expect(hub.stats().messages.inFlightBytes).toBeLessThan(100_000 + 60_000);
  barriers.lift('release');
  expect(await client.nextText()).toBe('waited');
  for (const size of sizes) expect((await client.next()).data.equals(Buffer.alloc(size, size))).toBe(true);
});

test('over the bound of the process, those who have something in flight wait for it, and nobody is closed', async () => {
  const barriers = new Barriers();
  const { hub } = await startHub({
    engine: 'node',
    handler: fixture('gates.mjs'),
    workers: 1,
    maxInFlightBytes: 200_000,
  });
  const flooding = await Promise.all([1, 2, 3].map(() => WsClient.connect(barriers.url(hub.wsUrl))));
  for (const client of flooding) {
    client.send('wait');
    for (let i = 0; i < 50; i++) client.send(Buffer.alloc(10_000, i));
  }
  await until('all to be paused', () => hub.stats().readPauses >= 3);
  const bystander = await WsClient.connect(hub.wsUrl);
  for (let i = 0; i < 5; i++) expect(await bystander.ask(`hello ${i}`)).toBe(`hello ${i}`);
  expect(hub.stats().messages.inFlightBytes).toBeLessThan(200_000 + 4 * 10_000);
  barriers.lift('release');
  for (const client of flooding) {
    expect(await client.nextText()).toBe('waited');
    for (let i = 0; i < 50; i++) expect((await client.next()).data[0]).toBe(i);
  }
  expect(hub.stats()).toMatchObject({ shed: 0, connections: { open: 4 } });
});

test('a paused peer can be closed, by a drain and for good, and one that goes is noticed', async () => {
  const barriers = new Barriers();
  const { hub } = await startHub({ engine: 'node', handler: fixture('gates.mjs'), maxInFlight: 10 });
  const [closed, gone] = await Promise.all([1, 2].map(() => WsClient.connect(barriers.url(hub.wsUrl))));
  for (const client of [closed!, gone!]) {
    client.send('wait');
    for (let i = 0; i < 100; i++) client.send('more');
  }
  await until('both to be paused', () => hub.stats().readPauses === 2);
  gone!.destroy();
  const [connection] = hub.connections();
  connection!.close(4001, 'enough');
  expect(await closed!.closed).toEqual({ code: 4001, reason: 'enough' });
  barriers.lift('release');
  await until('both to be gone', () => hub.stats().connections.open === 0);
  await until('nothing to be in flight', () => hub.stats().messages.inFlight === 0);
});
