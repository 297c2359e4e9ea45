/** Alert rules and the dashboard: Prometheus takes them, they name what `/metrics` has, and their queries return figures of a real hub. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { METRICS } from '../../src/telemetry/metrics-names.js';
import { connectMany } from '../support/clients/ws-client.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { startHub } from '../support/servers/hubs.js';
import { PROMETHEUS, startPrometheus } from '../support/servers/prometheus.js';
import { until } from '../support/until.js';

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const PROMTOOL = '/usr/bin/promtool';
const dashboard = JSON.parse(readFileSync(`${DEPLOY}grafana/shardhub.json`, 'utf8'));
const QUERIES: string[] = dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) =>
  panel.targets.map(({ expr }) => expr),
);

test('the dashboard and the alerts name metrics that there are', () => {
  const alerts = readFileSync(`${DEPLOY}prometheus/alerts.yml`, 'utf8');
  const named = `${alerts}${QUERIES.join(' ')}`.match(/\b(shardhub|process)_[a-z_]+/g)!;
  const unknown = new Set(named.filter((name) => !(name.replace(/_(bucket|sum|count)$/, '') in METRICS)));
  expect([...unknown]).toEqual([]);
  expect(QUERIES.length).toBeGreaterThan(20);
});

test.skipIf(isProgramMissing(PROMTOOL, 'prometheus'))('promtool takes the alert rules', () => {
  const said = execFileSync(PROMTOOL, ['check', 'rules', `${DEPLOY}prometheus/alerts.yml`], {
    encoding: 'utf8',
  });
  expect(said).toMatch(/SUCCESS: \d+ rules found/);
});

test.skipIf(isProgramMissing(PROMETHEUS, 'prometheus'))(
  'every query of the dashboard returns figures of a hub that Prometheus scrapes',
  async () => {
    const { hub } = await startHub({ statsToken: 'the-token-of-the-scraper' });
    const clients = await connectMany(hub.wsUrl, 3);
    const asked = await startPrometheus(`${DEPLOY}prometheus`, hub.port, 'the-token-of-the-scraper');
    const ask = (query: string) =>
      asked(query.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'));
    clients.pop()!.close();
    for (const query of QUERIES)
      await until(`a figure of ${query}`, async () => {
        for (const client of clients) await client.ask('hello');
        return (await ask(query)).length > 0;
      });
    const [connections] = await ask('sum(shardhub_connections)');
    expect(Number(connections!.value[1])).toBe(2);
  },
);
