/** A Prometheus that scrapes a hub five times a second, with the configuration and the alerts of deploy/prometheus. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../processes/ports.js';
import { temporaryFolder } from '../processes/temporary-folder.js';
import { until } from '../until.js';

export const PROMETHEUS = '/usr/bin/prometheus';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** When, and how much. */
  readonly value: readonly [number, string];
}

/**
 * Resolves with what answers queries, once it has scraped; ended after the test.
 *
 * @param source the folder with prometheus.yml and alerts.yml
 */
export async function startPrometheus(
  source: string,
  hubPort: number,
  token: string,
): Promise<(query: string) => Promise<Sample[]>> {
  const folder = temporaryFolder();
  cpSync(source, folder, { recursive: true });
  const config = join(folder, 'prometheus.yml');
  const text = readFileSync(config, 'utf8')
    .replace('15s', '200ms')
    .replace('/run/secrets/stats-token', join(folder, 'token'))
    .replace('hub:8080', `127.0.0.1:${hubPort}`);
  writeFileSync(config, text);
  writeFileSync(join(folder, 'token'), token);
  const port = await freePort();
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn(PROMETHEUS, args, { stdio: 'ignore' });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  });
  const ask = async (query: string): Promise<Sample[]> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`);
    return ((await response.json()) as { data: { result: [] } }).data.result;
  };
  const hasScraped = async () => (await ask('shardhub_connections').catch(() => [])).length > 0;
  await until('the first scrape', hasScraped);
  return ask;
}
