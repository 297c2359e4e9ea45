/** One topic with very many subscribers, some of which do not read: all others get every message, in order. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { fillUp } from '../../../src/testing/fill-up.js';
import { startHub } from '../../support/servers/hubs.js';

const SUBSCRIBERS = Number(process.env.SHARDHUB_FAN_OUT ?? 1000);
const PUBLISHES = Number(process.env.SHARDHUB_FAN_OUT_PUBLISHES ?? 300);
const STALLED_EVERY = 100;
/** Publishes per second, as far as the machine can. */
const RATE = 100;

interface Tally {
  outOfOrder: number;
  ended: number;
  least: number;
  most: number;
}

test(`${SUBSCRIBERS} subscribers, one in ${STALLED_EVERY} stalled: the others get all ${PUBLISHES} messages, in order`, {
  timeout: 600_000,
}, async () => {
  const { hub } = await startHub({ idleTimeout: 0, maxQueueMessages: PUBLISHES + 10 });
  hub.on('open', (connection) => connection.subscribe('all'));
  const args = [hub.port, SUBSCRIBERS, STALLED_EVERY].map(String);
  const peers = fork(new URL('../../support/processes/subscribers-process.mjs', import.meta.url), args);
  onTestFinished(() => void peers.kill('SIGKILL'));
  await once(peers, 'message');
  expect(hub.topics()).toEqual(new Map([['all', SUBSCRIBERS]]));
  const stalled = [...hub.connections({ where: ({ request }) => request.query === 'stalled' })];
  expect(stalled).toHaveLength(SUBSCRIBERS / STALLED_EVERY);
  for (const connection of stalled) await fillUp(connection);

  const message = Buffer.alloc(256);
  for (let i = 0; i < PUBLISHES; i++) {
    message.writeUInt32BE(i);
    expect(hub.publish('all', message)).toBe(SUBSCRIBERS);
    await sleep(1000 / RATE);
  }
  let tally: Tally;
  do {
    await sleep(50);
    peers.send('tally');
    [tally] = (await once(peers, 'message')) as [Tally];
  } while (tally.least < PUBLISHES && tally.ended === 0);
  expect(tally).toEqual({ outOfOrder: 0, ended: 0, least: PUBLISHES, most: PUBLISHES });
  const { queuedMessages } = hub.stats().outbound;
  expect(queuedMessages).toBeGreaterThanOrEqual(stalled.length * PUBLISHES);
  expect(hub.stats().connections.open).toBe(SUBSCRIBERS);
});
