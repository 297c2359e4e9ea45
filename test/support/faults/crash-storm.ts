/**
 * A storm: workers that die at random, under load. Only the connections whose message killed a worker pay, and for
 * everybody else nothing is lost, repeated or reordered.
 */
import type { HubOptions } from 'shardhub';
import { type Prng, withFaults } from 'shardhub/testing';
import { expect, onTestFinished } from 'vitest';
import { fixture, startHub } from '../servers/hubs.js';
import { until } from '../until.js';
import { emptyReport, type Poison, StormClient } from './storm.js';

const SEED = Number(process.env.SHARDHUB_STORM_SEED ?? 1);
const CONNECTIONS = 200;
/** Poisoned messages that may be under way at a time: more than one, so that some meet. */
const AT_ONCE = 3;
/** Bun does not bound the memory of a thread. */
const isBun = process.versions.bun !== undefined;
const ONE_OF_EACH: Poison[] = isBun ? ['exit', 'uncaught', 'loop'] : ['exit', 'uncaught', 'oom', 'loop'];
/** The slow kinds more rarely; all of them in the first few. */
const KINDS: Poison[] = [
  ...Array(50).fill('exit'),
  ...Array(44).fill('uncaught'),
  ...(isBun ? [] : Array(5).fill('oom')),
  'loop',
];
/** Far more than a message takes that is no loop, where one of the cores stands still for a while. */
const HANDLER_TIMEOUT_MS = 5000;

/** What a storm of so many deaths takes at most, on any machine. */
export const stormTimeoutMs = (deaths: number) => 60_000 + 5000 * deaths;

export function crashStorm(ordering: HubOptions['ordering'], deaths: number): Promise<void> {
  return withFaults(({ random }) => storm(random, ordering, deaths), { seed: SEED });
}

async function storm(random: Prng, ordering: HubOptions['ordering'], deaths: number): Promise<void> {
  const { hub, log } = await startHub({
    handler: fixture('deaths.mjs'),
    ordering,
    maxRestarts: 1_000_000,
    handlerTimeoutMs: HANDLER_TIMEOUT_MS,
    ...(!isBun && { workerMemoryMb: 24 }),
  });
  const report = emptyReport();
  const clients: StormClient[] = [];
  onTestFinished(() => clients.forEach((client) => void client.terminate()));
  let isOver = false;
  const join = async (place: number): Promise<void> => {
    const client = new StormClient(hub.wsUrl, random, report, () => {
      if (!isOver) void join(place);
    });
    clients[place] = client;
    await client.opened;
    client.start();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, place) => join(place)));

  const poisons: Record<Poison, number> = { exit: 0, uncaught: 0, oom: 0, loop: 0 };
  const poisoned = () => Object.values(poisons).reduce((sum, count) => sum + count);
  const underWay = () => poisoned() - report.closedWithPoison;
  const progress = () => `${deaths} deaths: ${JSON.stringify({ poisons, report, log: log.slice(-3) })}`;
  const poisonOne = (): void => {
    const client = random.pick(clients);
    if (client.isPoisoned || client.isClosed || client.unanswered === 0) return;
    const kind = ONE_OF_EACH[poisoned()] ?? random.pick(KINDS);
    poisons[kind]++;
    client.poison(kind);
  };
  await until(
    progress,
    () => {
      if (underWay() < AT_ONCE) poisonOne();
      return hub.stats().workerExits >= deaths;
    },
    { deadlineMs: stormTimeoutMs(deaths) },
  );
  isOver = true;
  await until(progress, () => underWay() === 0);
  for (const client of clients) client.stop();
  await until(progress, () => clients.every((client) => client.isClosed || client.unanswered === 0));
  await until('the last worker to be back', () => hub.stats().shards.every(({ state }) => state === 'up'));

  if (process.env.SHARDHUB_STORM_REPORT) console.log(poisons, report);
  const { replies, ...outcome } = report;
  expect(outcome).toEqual({
    closedWithPoison: poisoned(),
    closedWithout: 0,
    wrongCode: 0,
    lost: 0,
    repeatedOrReordered: 0,
    answeredBehindPoison: 0,
  });
  expect(replies).toBeGreaterThan(deaths);
  const stats = hub.stats();
  expect(stats).toMatchObject({
    crashed: poisoned(),
    handlerErrors: 0,
    handlerTimeouts: poisons.loop,
    connections: { closed: { 1011: poisoned() } },
    messages: { inFlight: 0, inFlightBytes: 0 },
    workerRestarts: stats.workerExits,
  });
  for (const kind of ONE_OF_EACH) expect(poisons[kind]).toBeGreaterThan(0);
}
