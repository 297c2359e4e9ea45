/** Heartbeats belong to the engine: they hold while every worker is in a loop. */
import { createHub } from 'shardhub';
import { expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { connectMany, WsClient } from '../../support/clients/ws-client.js';
import { Opcode } from '../../support/protocol/frames.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

/** Pings the hub and waits for the pong with the same payload. */
function ping(client: WsClient, payload: string): Promise<string> {
  return new Promise((resolve) => {
    client.socket.once('pong', (data) => resolve(data.toString()));
    client.socket.ping(payload);
  });
}

/** The opcodes that come until the connection is over. */
async function opcodesToEnd(client: RawClient): Promise<number[]> {
  const opcodes: number[] = [];
  for (let frame = await client.nextFrame(); frame !== undefined; frame = await client.nextFrame())
    opcodes.push(frame.opcode);
  return opcodes;
}

test('with every worker in a loop: pings are answered, connections accepted, silent peers pinged and dropped', async () => {
  const { hub } = await startHub({ handler: fixture('gates.mjs'), idleTimeout: 8 });
  const barriers = new Barriers();
  const loopers = await connectMany(barriers.url(hub.wsUrl), 4);
  for (const client of loopers) client.send('loop');
  await barriers.waitFor('looping', 2);

  expect(await ping(loopers[0]!, 'are you there')).toBe('are you there');
  const late = await WsClient.connect(barriers.url(hub.wsUrl));
  expect(await ping(late, '')).toBe('');
  late.send('said during the loop');
  const silent = [await RawClient.open(hub.port), await RawClient.open(hub.port)];
  expect(await Promise.all(silent.map(opcodesToEnd))).toEqual([[Opcode.Ping], [Opcode.Ping]]);
  await until('both silent peers to be counted', () => hub.stats().connections.closed[1006] === 2);
  // The clients that answer pings are all still there, and nothing of theirs was lost.
  expect(hub.stats().connections).toMatchObject({ open: 5, timedOut: 2 });
  expect(await ping(late, 'and now')).toBe('and now');
  expect(late.waiting).toBe(0);
  barriers.lift('release');
  for (const client of loopers) expect(await client.nextText()).toBe('looped');
  expect(await late.nextText()).toBe('said during the loop');
});

test('sendPings: false drops a silent peer without a ping, and a peer that speaks stays', async () => {
  const { hub } = await startHub({ idleTimeout: 8, sendPings: false });
  const silent = await RawClient.open(hub.port);
  const speaking = await WsClient.connect(hub.wsUrl);
  let isOver = false;
  const opcodes = opcodesToEnd(silent).finally(() => {
    isOver = true;
  });
  await until(
    'the silent peer to be dropped',
    async () => (await speaking.ask('here')) === 'here' && isOver,
    {
      everyMs: 500,
    },
  );
  expect(await opcodes).toEqual([]);
  expect(await speaking.ask('still here')).toBe('still here');
});

test.each<['idleTimeout' | 'maxLifetime', number[], string]>([
  ['idleTimeout', [-1, 4, 7, 9, 961, 964], '0, or a multiple of 4 from 8 to 960 (seconds)'],
  ['maxLifetime', [-1, 241, 1.5], 'from 0 to 240 (minutes)'],
])('%s out of range is refused, with its name and range', async (name, values, range) => {
  for (const value of values) {
    const refused = await createHub({ port: 0, [name]: value }).then(
      (hub) => hub.close(),
      (error) => error,
    );
    expect(refused).toMatchObject({ code: 'ERR_OPTION' });
    expect(refused.message).toContain(`"${name}" got ${value}`);
    expect(refused.message).toContain(range);
  }
});

test.each<['idleTimeout' | 'maxLifetime', number[]]>([
  ['idleTimeout', [0, 8, 960]],
  ['maxLifetime', [0, 1, 240]],
])('%s at the edges of its range is taken', async (name, values) => {
  for (const value of values) {
    const { hub } = await startHub({ workers: 0, [name]: value });
    expect(await (await WsClient.connect(hub.wsUrl)).ask('works')).toBe('works');
  }
});
