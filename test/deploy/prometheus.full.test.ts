/** Alert rules and the dashboard: Prometheus takes them, they name what `/metrics` has, and their queries return figures of a real hub. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { METRICS } from '../../src/telemetry/metrics-names.js';
import { connectMany } from '../support/clients/ws-client.js';
import { freePort } from '../support/processes/ports.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const PROMTOOL = '/usr/bin/promtool';
const PROMETHEUS = '/usr/bin/prometheus';
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
    const folder = temporaryFolder();
    const config = readFileSync(`${DEPLOY}prometheus/prometheus.yml`, 'utf8')
      .replace('15s', '200ms')
      .replace('/run/secrets/stats-token', join(folder, 'token'))
      .replace('hub:8080', `127.0.0.1:${hub.port}`);
    writeFileSync(join(folder, 'token'), 'the-token-of-the-scraper');
    writeFileSync(join(folder, 'alerts.yml'), readFileSync(`${DEPLOY}prometheus/alerts.yml`));
    writeFileSync(join(folder, 'prometheus.yml'), config);
    const port = await freePort();
    const child = spawn(
      PROMETHEUS,
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
    });
    const ask = async (query: string): Promise<{ value: [number, string] }[]> => {
      const expr = query.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`);
      return ((await response.json()) as { data: { result: [] } }).data.result;
    };
    await until(
      'the first scrape',
      async () => (await ask('shardhub_connections').catch(() => [])).length > 0,
    );
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
