/** What several processes count, as one: metrics and statistics. */
import { expect, test } from 'vitest';
import type { HubStats } from '../../src/api/stats.js';
import { MetricsSum } from '../../src/supervisor/metrics-sum.js';
import { countsOf, sumStats } from '../../src/supervisor/stats-sum.js';
import { startHub } from '../support/servers/hubs.js';

const page = (opened: number, open: number, up: number) => `# HELP opened_total Opened
# TYPE opened_total counter
opened_total ${opened}
# HELP connections Open
# TYPE connections gauge
connections{route="/ws"} ${open}
# HELP took_seconds Took
# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} ${opened}
took_seconds_bucket{le="+Inf"} ${opened + 1}
took_seconds_sum ${opened / 2}
# HELP shard_up Up
# TYPE shard_up gauge
shard_up{shard="0"} ${up}
# HELP process_cpu_seconds_total CPU
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total ${opened}
`;

const samplesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('counters and gauges are summed up; what is about a shard or a process is told apart', () => {
  const sum = new MetricsSum();
  const [a, b] = [{}, {}];
  sum.take(a, 0, page(10, 3, 1));
  sum.take(b, 1, page(5, 2, 0));
  const text = sum.render();
  expect(samplesOf(text)).toEqual([
    'opened_total 15',
    'connections{route="/ws"} 5',
    'took_seconds_bucket{le="0.1"} 15',
    'took_seconds_bucket{le="+Inf"} 17',
    'took_seconds_sum 7.5',
    'shard_up{process="0",shard="0"} 1',
    'shard_up{process="1",shard="0"} 0',
    'process_cpu_seconds_total{process="0"} 10',
    'process_cpu_seconds_total{process="1"} 5',
  ]);
  expect(text.match(/# (HELP|TYPE) opened_total /g)).toHaveLength(2);
});

test('what was counted by a process that is gone stays, and nothing else of it', () => {
  const sum = new MetricsSum();
  const [old, next] = [{}, {}];
  sum.take(old, 0, page(10, 3, 1));
  // While it drains, the one in its place is number 0.
  sum.take(next, 0, page(1, 1, 0));
  expect(samplesOf(sum.render())).toContain('shard_up{process="0",shard="0"} 0');
  sum.retire(old);
  expect(samplesOf(sum.render())).toEqual([
    'opened_total 11',
    'connections{route="/ws"} 1',
    'took_seconds_bucket{le="0.1"} 11',
    'took_seconds_bucket{le="+Inf"} 13',
    'took_seconds_sum 5.5',
    'shard_up{process="0",shard="0"} 0',
    'process_cpu_seconds_total{process="0"} 1',
  ]);
  sum.retire({});
});

test('statistics: sums, the largest, a mean by its weight, and shards with their process', async () => {
  const { hub } = await startHub({ workers: 2 });
  const stats = hub.stats();
  const with_ = (open: number, answered: number, meanMs: number): HubStats => ({
    ...stats,
    connections: { ...stats.connections, open, opened: 10 * open, closed: { 1000: open } },
    pings: { ...stats.pings, answered, roundTripMeanMs: meanMs, roundTripMaxMs: meanMs * 2 },
  });
  const sum = sumStats([
    [0, with_(1, 1, 10)],
    [3, with_(2, 3, 2)],
  ]);
  expect(sum.connections).toEqual({ ...stats.connections, open: 3, opened: 30, closed: { 1000: 3 } });
  expect(sum.pings).toMatchObject({ answered: 4, roundTripMeanMs: 4, roundTripMaxMs: 20 });
  expect(sum).toMatchObject({ workers: 4, handler: 'echo', routes: [{ path: '/ws', handler: 'echo' }] });
  expect(sum.shards.map((shard) => [(shard as { process?: number }).process, shard.shard])).toEqual([
    [0, 0],
    [0, 1],
    [3, 0],
    [3, 1],
  ]);
  expect(countsOf(sum)).toMatchObject({ connections: { open: 0, opened: 30 }, workers: 0, shards: [] });
});
