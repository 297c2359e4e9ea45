/** While its process is stopped, or its thread blocked, a hub serves nobody: that time is held against nobody. */
import { expect, test } from 'vitest';
import { Barriers } from '../support/barriers.js';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { startHubProcess } from '../support/processes/processes.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

function pass(ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  return until(`${ms} ms to pass`, () => performance.now() >= end);
}

function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('rateLimit: what was due while the process was stopped may come at once, and no more', async () => {
  const perSecond = 20;
  const hub = await startHubProcess({ rateLimit: { messages: perSecond } });
  const [greedy, ...polite] = (await connectMany(hub.wsUrl, 6)) as [WsClient, ...WsClient[]];
  // A process that stops right behind its answer to a handshake has no connection yet, and no limit that counts.
  for (const client of [greedy, ...polite]) expect(await client.ask('here')).toBe('here');
  hub.signal('SIGSTOP');
  for (let sent = 0; sent < 1.5 * perSecond; sent++) {
    for (const client of polite) client.send(`${sent}`);
    for (let i = 0; i < 10; i++) greedy.send('more');
    await pass(1000 / perSecond);
  }
  hub.signal('SIGCONT');
  for (const client of polite)
    expect(await client.collectTexts(1.5 * perSecond)).toEqual(
      Array.from({ length: 1.5 * perSecond }, (_, i) => `${i}`),
    );
  expect(await greedy.closed).toEqual({ code: 1008, reason: 'rate limit' });
  expect((await hub.stats()).connections.open).toBe(polite.length);
});

test('handlerTimeoutMs: a promise that was pending for less while the process ran is waited for', async () => {
  // Far more than what comes before and behind the stop takes.
  const handlerTimeoutMs = 6000;
  const hub = await startHubProcess({ handler: fixture('deadlines.mjs').href, handlerTimeoutMs });
  const barriers = new Barriers();
  const client = await WsClient.connect(barriers.url(hub.wsUrl));
  client.send('hang');
  await barriers.waitFor('waiting');
  hub.signal('SIGSTOP');
  await pass(handlerTimeoutMs);
  hub.signal('SIGCONT');
  // Its loops have turned: what was late would have been found so.
  const other = await WsClient.connect(barriers.url(hub.wsUrl));
  for (const seen of [1, 2]) expect(await other.ask('state')).toBe(`${seen} false`);
  barriers.lift('pass');
  expect(await client.nextText()).toBe('late');
});

test('upgradeTimeoutMs: a hook that was pending while the thread was blocked is waited for', async () => {
  const upgradeTimeoutMs = 500;
  let settle: ((data: object) => void) | undefined;
  const { hub } = await startHub({
    upgradeTimeoutMs,
    upgrade: () =>
      new Promise((resolve) => {
        settle = resolve;
      }),
  });
  const opening = WsClient.connect(hub.wsUrl);
  await until('the hook to be called', () => settle);
  block(1.5 * upgradeTimeoutMs);
  await pass(10);
  settle?.({});
  expect(await (await opening).ask('in time')).toBe('in time');
});

test('ping: a pong that came while the thread was blocked came in time', async () => {
  const { hub } = await startHub();
  const client = await WsClient.connect(hub.wsUrl);
  const [connection] = hub.connections();
  // The client has answered when it tells.
  client.socket.once('ping', () => block(150));
  expect(await connection!.ping(undefined, { timeoutMs: 100 })).toBeGreaterThan(100);
  expect(hub.stats().pings).toMatchObject({ answered: 1, timedOut: 0 });
});
