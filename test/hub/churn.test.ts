/** Some connections that end at random points; 50,000 do in churn.full.test.ts. */
import { expect, test } from 'vitest';
import { connectMany } from '../support/clients/ws-client.js';
import { churnTimeoutMs, isIdle, knownToWorkers, leaveNothingBehind } from '../support/faults/churned-hub.js';
import { fixture } from '../support/servers/hubs.js';
import { startMeasuredHub } from '../support/servers/measured-hub.js';
import { until } from '../support/until.js';

test(
  '2000 connections that end at random points leave nothing behind',
  {
    timeout: 2 * churnTimeoutMs(2000),
  },
  () => leaveNothingBehind(2000),
);

test('a hook that waits for the end of its connection is told of it, whatever waits behind it', async () => {
  const hub = await startMeasuredHub({ handler: fixture('churn.mjs').href, handlerTimeoutMs: 0 });
  const clients = await connectMany(hub.wsUrl, 10);
  for (const client of clients) {
    client.send('hold');
    for (let i = 0; i < 200; i++) client.send('behind');
  }
  await until('all to be there', async () => (await hub.stats()).messages.inFlight === 10 * 201);
  for (const client of clients) client.destroy();
  await isIdle(hub);
  expect(await knownToWorkers(hub)).toEqual([0, 0]);
});
