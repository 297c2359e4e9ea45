/** The memory of a worker's rings goes to the worker behind it, unless its thread may still write there. */
import { expect, onTestFinished, test } from 'vitest';
import { WorkerLife } from '../../../src/hub/dispatch/worker-life.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

/** Sizes of shared memory that this thread makes from here on, but for control words. */
function countShared(): number[] {
  const made: number[] = [];
  const Native = globalThis.SharedArrayBuffer;
  globalThis.SharedArrayBuffer = new Proxy(Native, {
    construct(target, [bytes]) {
      if (bytes > 65_536) made.push(bytes);
      return new target(bytes);
    },
  });
  onTestFinished(() => {
    globalThis.SharedArrayBuffer = Native;
  });
  return made;
}

test('reloads and restarts take no memory but that of the first reload', async () => {
  const made = countShared();
  const { hub } = await startHub({ handler: fixture('deaths.mjs'), maxRestarts: 100 });
  const atStart = made.length;
  expect(atStart).toBeGreaterThan(0);
  await hub.reload();
  expect(made.length).toBe(2 * atStart);
  for (let i = 0; i < 3; i++) {
    const client = await WsClient.connect(hub.wsUrl);
    const texts = Array.from({ length: 20 }, (_, n) => `${n} ${'x'.repeat(300 * n)}`);
    for (const text of texts) client.send(text);
    expect(await client.collectTexts(20)).toEqual(texts);
    client.send('exit');
    await client.closed;
    await until('the worker to be back', () => hub.stats().workerRestarts === i + 1);
    await hub.reload();
  }
  expect(made.length).toBe(2 * atStart);
});

test('a thread that was left behind keeps its own', () => {
  const given = [true, false].map((isAbandoned) => {
    let isGiven = false;
    const rings = { giveBack: () => (isGiven = true) };
    new WorkerLife({ isAbandoned } as never, rings as never, {} as never).giveBackRings();
    return isGiven;
  });
  expect(given).toEqual([false, true]);
});
