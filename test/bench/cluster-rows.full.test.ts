/** The rows of the benchmarks that are about several hubs: each of their servers gives figures, or says why it cannot. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasNatsServer } from '../support/servers/nats-server.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

const load = (path: string) => import(new URL(`../../bench/${path}`, import.meta.url).href);
const { ROWS } = await load('rows.mjs');
const { startServer } = await load('servers.mjs');
const { judge, TARGETS } = await load('targets.mjs');

/** The same with less of everything. */
const SMALL: Record<string, object> = {
  'publish-5k': { subscribers: 20 },
  'publish-crossing': {},
  'crossing-nats': { inFlight: 64, batch: 16 },
  'crossing-nats-history': { inFlight: 64, batch: 16 },
  'fan-in-20k': { subscribers: 20, rate: 500 },
  subscriptions: { before: 5, connections: 20, topics: 10 },
};
const SETTINGS = { warmup: 0.1, seconds: 0.3 };
const rows = ROWS.filter(({ id }: { id: string }) => id in SMALL);
const each = rows.flatMap((row: { id: string; servers: string[] }) =>
  row.servers.filter((name) => name !== 'publish-uws').map((name) => [row.id, name, row] as const),
);

describe.skipIf(!hasNatsServer)('with a NATS server', () => {
  test.each<[string, string, { figure: string; measure: (what: object) => Promise<Record<string, number>> }]>(
    each,
  )('%s has a figure of %s', async (id, name, row) => {
    const small = { ...row, ...SMALL[id] };
    const child = await startServer(name, { workers: 1, ...small });
    onTestFinished(() => child.stop());
    const figures = await row.measure({ child, row: small, settings: SETTINGS });
    expect(Number.isFinite(figures[row.figure])).toBe(true);
  });
});

test('without one they are left out, and their targets skipped', async () => {
  const { PATH } = process.env;
  process.env.PATH = '';
  onTestFinished(() => {
    process.env.PATH = PATH;
  });
  const starting = startServer('fan-in-shardhub', { workers: 1, subscribers: 1 });
  await expect(starting).rejects.toThrow(/no nats-server \(apt-get install nats-server\)/);
  const leftOut = [{ name: 'fan-in-shardhub', reason: 'none' }];
  const verdicts = judge(TARGETS, [{ id: 'fan-in-20k', servers: [], leftOut }]);
  expect(verdicts).toMatchObject([{ verdict: 'skipped', reason: 'none' }]);
});
