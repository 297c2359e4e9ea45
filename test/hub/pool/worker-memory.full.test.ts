/** What a worker costs that keeps more memory than it may. The hub is in a process of its own: V8 ends processes. */
import { expect, test } from 'vitest';
import { WsClient } from '../../support/clients/ws-client.js';
import { startHubProcess } from '../../support/processes/processes.js';
import { fixture } from '../../support/servers/hubs.js';

/** Far more messages than it takes, so that a leak that nobody finds ends the test. */
const MAX_MESSAGES = 200;
const LEAKS = ['arrays of 20 MiB', 'arrays of 60 MiB', 'buffers of 5 MiB', 'map'];

test('a worker that keeps too much is replaced at the cost of nobody, whatever it keeps', {
  timeout: 180_000,
}, async () => {
  const hub = await startHubProcess({
    handler: fixture('leaks.mjs').href,
    workerMemoryMb: 64,
    maxRestarts: 100,
    logLevel: 'silent',
  });
  const [client, other] = [await WsClient.connect(hub.wsUrl), await WsClient.connect(hub.wsUrl)];
  // What is needed for a moment is not kept.
  for (const way of ['an array for a moment', 'a buffer for a moment'])
    for (let i = 0; i < 3; i++) await client.ask(way);
  expect(await hub.stats()).toMatchObject({ workerExits: 0 });
  let exits = 0;
  for (const leak of LEAKS) {
    const before = exits;
    for (let sent = 0; sent < MAX_MESSAGES && exits === before; sent++) {
      expect(await client.ask(leak)).toBe(leak);
      exits = (await hub.stats()).workerExits;
    }
    expect(exits).toBeGreaterThan(before);
    expect(await client.ask('served again')).toBe('served again');
    expect(await other.ask('not disturbed')).toBe('not disturbed');
  }
  expect(await hub.stats()).toMatchObject({ crashed: 0, connections: { open: 2 } });
});
