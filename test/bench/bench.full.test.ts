/** The benchmarks: that their figures are there, and that a run with a fault in it is none. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

const BENCH = new URL('../../bench/', import.meta.url);
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/bench/${name}.mjs`, import.meta.url));
/** The benchmarks are plain modules without types. */
const load = (path: string) => import(new URL(path, BENCH).href);

const { median, percentile, rotate, summariseRounds } = await load('lib/statistics.mjs');
const { judge, TARGETS } = await load('targets.mjs');
const { ROWS } = await load('rows.mjs');
const { SWEEPS } = await load('sweeps.mjs');
const { SERVERS, startServer } = await load('servers.mjs');
const { readOptions } = await load('lib/options.mjs');
const { Child } = await load('lib/child.mjs');

const TINY = ['--rounds', '1', '--seconds', '0.3', '--warmup', '0.1'];
/** Long enough for some requests, and two reports, on a machine that is busy with something else. */
const PATIENT = ['--seconds', '2', '--warmup', '1'];
const WINDOW = { warmup: 0.1, seconds: 0.2 };

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly out: string;
  readonly images: string;
}

/** The part of a results file that is looked at. */
interface Results {
  readonly date: string;
  readonly machine: object;
  readonly settings: object;
  readonly rows: {
    readonly id: string;
    readonly title: string;
    readonly figure: string;
    readonly servers: {
      readonly name: string;
      readonly summary: Record<string, { median: number }>;
      readonly rounds: Record<string, number>[];
    }[];
    readonly leftOut: { name: string; reason: string }[];
  }[];
}

const namesOf = (list: { name: string }[]) => list.map(({ name }) => name);

/** Runs a command of the benchmarks in a process of its own, with results in a folder of its own. */
function runBench(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  const folder = temporaryFolder();
  const [out, images] = [join(folder, 'results'), join(folder, 'images')];
  return run(command, ['--out', out, '--images', images, ...args], env).then((end) => ({
    ...end,
    out,
    images,
  }));
}

function run(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Pick<Outcome, 'code' | 'stdout' | 'stderr'>> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [fileURLToPath(new URL(command, BENCH)), ...args],
      { env },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

function readResults({ out }: Outcome): Results {
  const [json] = readdirSync(out).filter((file) => file.endsWith('.json'));
  return JSON.parse(readFileSync(join(out, json!), 'utf8'));
}

test('a run writes every figure of every server, a page and charts', async () => {
  const args = ['--rows', 'echo-64B-200x1,http,ping', '--servers', 'uws,shardhub', ...TINY, ...PATIENT];
  const outcome = await runBench('bench.mjs', args);
  expect(outcome).toMatchObject({ code: 0 });
  const { date, machine, rows, settings } = readResults(outcome);
  expect(settings).toMatchObject({ rounds: 1, seconds: 2, warmup: 1 });
  expect(Date.parse(date)).toBeGreaterThan(0);
  expect(machine).toMatchObject({
    node: process.version,
    cores: expect.any(Number),
    cpu: expect.any(String),
  });
  expect(rows.map(({ id, servers }) => [id, namesOf(servers)])).toEqual([
    ['echo-64B-200x1', ['uws', 'shardhub']],
    ['http-echo', ['uws', 'shardhub']],
    ['ping-under-burn', ['shardhub']],
  ]);
  for (const { figure, servers } of rows) {
    for (const { name, summary, rounds } of servers) {
      const wanted = [figure, 'cpuProcessMicros', 'cpuIoThreadMicros'];
      for (const each of process.platform === 'linux' ? wanted : wanted.slice(0, 2)) {
        expect(summary[each]?.median, `${name}: ${each}`).toBeGreaterThan(0);
        expect(summary[each]?.median).toBe(rounds[0]?.[each]);
      }
    }
  }
  const page = readdirSync(outcome.out).find((file) => file.endsWith('.html'))!;
  const html = readFileSync(join(outcome.out, page), 'utf8');
  for (const { id, title } of rows) {
    expect(html).toContain(title);
    expect(readFileSync(join(outcome.images, `bench-${id}.svg`), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  }
});

test('the points of a curve are one picture and one table', async () => {
  // The second is the beginning of other names too.
  const args = ['--rows', 'sweep-size-4096,sweep-size-12', '--servers', 'uws,shardhub', ...TINY, ...PATIENT];
  const outcome = await runBench('bench.mjs', args);
  expect(outcome).toMatchObject({ code: 0 });
  expect(readdirSync(outcome.images)).toEqual(['bench-sweep-size.svg']);
  const svg = readFileSync(join(outcome.images, 'bench-sweep-size.svg'), 'utf8');
  expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  // From left to right, whatever the order of the measurements.
  const lines = [...svg.matchAll(/points="([^"]+)"/g)].map(([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number)),
  );
  expect(lines.map((line) => line.map(([x]) => x))).toEqual([
    [90, 740],
    [90, 740],
  ]);
  for (const [, y] of lines.flat()) expect(y).toBeGreaterThan(0);
  const page = readdirSync(outcome.out).find((file) => file.endsWith('.html'))!;
  const html = readFileSync(join(outcome.out, page), 'utf8');
  expect(html.match(/<section id="[^"]*"/g)).toEqual(['<section id="sweep-size"']);
  expect(outcome.stdout).toMatch(/bytes of a message .* shardhub, \d worker/);
  expect(outcome.stdout.match(/│ (12|4,096) .*\(\d\.\d\d\)/g)).toHaveLength(2);

  const { fillPage, mergeRuns } = await load('lib/docs-page.mjs');
  const rows = mergeRuns([readResults(outcome)], ['sweep-size-12', 'sweep-size-4096', 'sweep-size-125']);
  const rest = '<!-- rows -->\nrows\n<!-- end of rows -->\n';
  const [before, after] = ['<!-- curves -->\n', `<!-- end of curves -->\n${rest}`];
  const text: string = fillPage(`${before}what was there${after}`, rows);
  expect([text.startsWith(before), text.endsWith(after)]).toEqual([true, true]);
  expect(text).not.toContain('what was there');
  expect(text).toContain('](images/bench-sweep-size.svg)');
  expect(text.match(/^\| (12|4,096) \| [\d,]+ msg\/s \| [\d,]+ msg\/s \(\d\.\d\d\) \|$/gm)).toHaveLength(2);
});

test('two processes on one port are measured as one server', async () => {
  const args = ['--rows', 'shared-port-64B', '--servers', 'shardhub-shared', ...TINY, ...PATIENT];
  const outcome = await runBench('bench.mjs', args);
  expect(outcome).toMatchObject({ code: 0 });
  const { summary } = readResults(outcome).rows[0]!.servers[0]!;
  expect(summary.cpuProcessMicros!.median).toBeGreaterThan(0);
});

test('a figure that is missing is a dash, and a target that was not measured', async () => {
  const { tabulate } = await load('lib/row-table.mjs');
  const summary = { p50: { median: 1, min: 1, max: 1 } };
  const servers = ['a', 'b'].map((name) => ({ name, title: name, summary, rounds: [] }));
  const row = { id: 'x', figure: 'cpuIoThreadMicros', servers, leftOut: [] };
  const [own] = tabulate(row).body as string[][];
  expect(own!.slice(0, 4)).toEqual(['a', '–', '–', '–']);
  const target = { row: 'x', figure: 'cpuIoThreadMicros', server: 'a', against: 'b', max: 1 };
  expect(judge([target], [row])).toMatchObject([
    { verdict: 'skipped', reason: 'cpuIoThreadMicros of a could not be measured' },
  ]);
});

test('results are drawn again beside their file, whatever its name is', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'run.results');
  const machine = { packages: {} };
  const text = JSON.stringify({ date: new Date(0).toISOString(), machine, settings: {}, rows: [] });
  writeFileSync(file, text);
  expect(await run('report.mjs', [file])).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(readFileSync(`${file}.html`, 'utf8')).toContain('<html');
});

test('bench:path tells what each load costs in both directions', async () => {
  const outcome = await run('path.mjs', ['1', '20000']);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const lines = outcome.stdout.trim().split('\n').slice(1);
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    'echo-64B-50x64',
    'echo-64B-200x1',
    'echo-1KiB-50x4',
    'echo-16KiB-50x4',
  ]);
  for (const line of lines) expect(line).toMatch(/ in +[1-9]\d* +out +[1-9]\d*$/);
  expect(await run('path.mjs', ['none'])).toMatchObject({ code: 2 });
});

test.each([
  ['corrupts', /corrupt/],
  ['hangs-up', /closed/],
  ['swaps', /reordered/],
  ['dies', /there is no tomorrow/],
])('a control that %s ends the run without a result', async (name, complaint) => {
  const args = ['--rows', 'echo-64B-50x64', '--servers', name, '--control', fixture(name), ...TINY];
  const outcome = await runBench('bench.mjs', args);
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain(`echo-64B-50x64, ${name}: `);
  expect(outcome.stderr).toMatch(complaint);
  expect(existsSync(outcome.out)).toBe(false);
});

test('what cannot run here is left out, with the reason', async () => {
  const args = ['--rows', 'echo-64B-200x1', '--servers', 'shardhub,gorilla', ...TINY];
  const outcome = await runBench('check.mjs', args, { ...process.env, PATH: '' });
  expect(outcome).toMatchObject({ code: 0 });
  const { servers, leftOut } = readResults(outcome).rows[0]!;
  expect(namesOf(servers)).toEqual(['shardhub']);
  expect(leftOut).toMatchObject([{ name: 'gorilla', reason: expect.stringMatching(/no Go/) }]);
  expect(outcome.stdout).toMatch(/shardhub ÷ gorilla .* no Go/);
  expect(outcome.stdout).toContain('0 missed');
});

test.each([
  [['--rows', 'nonsense'], /no row "nonsense"; the rows are echo-64B-50x64/],
  [['--rows', ''], /no row ""/],
  [['--servers', 'nonsense'], /no server "nonsense"; the servers are uws/],
  [['--rounds', '0'], /--rounds got "0" but takes an integer from 1/],
  [['--seconds', 'ten'], /--seconds got "ten"/],
  [['--speed', '1'], /--speed/],
])('wrong usage is refused: %j', (args, complaint) => {
  expect(() => readOptions(args)).toThrow(complaint);
});

test('wrong usage exits with 2', async () => {
  expect(await runBench('bench.mjs', ['--rounds', '0'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: '--rounds got "0" but takes an integer from 1\n',
  });
});

describe('single measurements', () => {
  let calls = 0;
  const isTenth = () => ++calls % 10 === 0;

  /** A server of the benchmarks that ends with the test. */
  async function start(name: string) {
    const child = await startServer(name, { workers: 1 });
    onTestFinished(() => child.stop());
    return child;
  }

  async function startFixture(name: string) {
    const child = await Child.start(name, [process.execPath, fixture(name)]);
    onTestFinished(() => child.stop());
    return child;
  }

  test('memory for each idle connection', async () => {
    const { measureIdle } = await load('measure/idle.mjs');
    const child = await start('shardhub');
    const figures = await measureIdle({ child, row: { before: 100, connections: 400 } });
    expect(figures.heapBytesPerConnection).toBeGreaterThan(0);
    expect(figures.bytesPerConnection).toBeLessThan(1_000_000);
    await expect(measureIdle({ child, row: { before: 0, connections: 1e9 } })).rejects.toThrow(/ulimit -n/);
  });

  test('memory at its peak, over what there was before the load', async () => {
    const { measureEcho } = await load('measure/echo.mjs');
    const { PeakMeter } = await load('measure/memory.mjs');
    const [child, settings] = [await start('shardhub'), { ...WINDOW, warmup: 1 }];
    const row = { load: { connections: 2, inFlight: 2, size: 100_000 }, tellsMemory: true };
    const { peakGrowthMib } = await measureEcho({ child, server: {}, row, settings });
    if (process.platform === 'linux') expect(peakGrowthMib).toBeGreaterThan(0);
    const other = await measureEcho({ child, server: {}, row: { load: row.load }, settings });
    expect(other.peakGrowthMib).toBeUndefined();
    // Where the system does not tell, there is no such figure.
    expect(new PeakMeter('nobody').figures()).toEqual({});
  });

  test('an idle connection that falls ends the run', async () => {
    const { measureIdle } = await load('measure/idle.mjs');
    const child = await startFixture('drops');
    const measured = measureIdle({ child, row: { before: 10, connections: 20 } });
    await expect(measured).rejects.toThrow(/3 idle connections fell/);
  });

  test('deliveries to every subscriber', async () => {
    const { measurePublish } = await load('measure/publish.mjs');
    const child = await start('publish-uws');
    const row = { subscribers: 20, size: 64, inFlight: 4 };
    const figures = await measurePublish({ child, row, settings: WINDOW });
    expect(figures.deliveriesPerSecond).toBeGreaterThan(0);
    expect(figures.cpuProcessMicros).toBeGreaterThan(0);
  });

  test('a delivery that is left out ends the run', async () => {
    const { measurePublish } = await load('measure/publish.mjs');
    const child = await startFixture('skips');
    const row = { subscribers: 5, size: 64, inFlight: 4 };
    // The run ends at the fault, long before that.
    const settings = { ...WINDOW, warmup: 10 };
    await expect(measurePublish({ child, row, settings })).rejects.toThrow(/did not get message 49/);
  });

  test.each<[string, RequestListener]>([
    ['with a wrong body', (_, response) => response.end('y')],
    ['that are not 200', (_, response) => response.writeHead(500).end('x')],
    ['that never came', (_, response) => (isTenth() ? response.socket?.end() : response.end('x'))],
  ])('HTTP responses %s end the run', async (complaint, onRequest) => {
    const { measureHttp } = await load('measure/http.mjs');
    const server = createServer(onRequest);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const echoUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/echo`;
    const row = { connections: 2, body: 'x' };
    // Long enough for some requests on a machine that is busy with something else.
    const settings = { ...WINDOW, warmup: 2 };
    await expect(measureHttp({ child: { echoUrl }, row, settings })).rejects.toThrow(complaint);
  });
});

describe('the statistics', () => {
  test('median and percentile', () => {
    expect(median([3])).toBe(3);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 3])).toBe(2.5);
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([0.5, 0.99, 1].map((fraction) => percentile(hundred, fraction))).toEqual([50, 99, 100]);
  });

  test('rounds are summarised, a figure that was not measured is none', () => {
    const rounds = [
      { a: 3, b: null },
      { a: 1, b: null },
      { a: 2, b: null },
    ];
    expect(summariseRounds(rounds)).toEqual({ a: { median: 2, min: 1, max: 3 }, b: null });
  });

  test('every round begins with another server', () => {
    expect([0, 1, 2, 3].map((round) => rotate(['a', 'b', 'c'], round).join(''))).toEqual([
      'abc',
      'bca',
      'cab',
      'abc',
    ]);
  });
});

describe('the targets', () => {
  const rowOf = (medians: Record<string, number>, leftOut: object[] = []) => ({
    id: 'row',
    servers: Object.entries(medians).map(([name, value]) => ({
      name,
      summary: { figure: { median: value, min: value, max: value } },
    })),
    leftOut,
  });
  const target = { row: 'row', figure: 'figure', server: 'own', against: 'other' };

  test.each([
    ['a ratio that is reached', { min: 0.95 }, { own: 95, other: 100 }, 0.95, 'met'],
    ['a ratio that is not reached', { min: 0.95 }, { own: 94, other: 100 }, 0.94, 'missed'],
    ['a ratio that is kept to', { max: 1.8 }, { own: 18, other: 10 }, 1.8, 'met'],
    ['a ratio that is exceeded', { max: 1.8 }, { own: 19, other: 10 }, 1.9, 'missed'],
    ['a difference', { by: 'difference', max: 700 }, { own: 1301, other: 600 }, 701, 'missed'],
    ['a bound', { against: undefined, max: 10 }, { own: 10 }, 10, 'met'],
  ])('%s', (_, bounds, medians, value, verdict) => {
    expect(judge([{ ...target, ...bounds }], [rowOf(medians)])).toMatchObject([{ value, verdict }]);
  });

  test('a server that was left out has the reason, a row that was not measured is none', () => {
    const rows = [rowOf({ own: 1 }, [{ name: 'other', reason: 'there is none' }])];
    const elsewhere = { ...target, row: 'elsewhere' };
    expect(judge([{ ...target, min: 1 }, elsewhere], rows)).toMatchObject([
      { verdict: 'skipped', reason: 'there is none' },
    ]);
  });

  test('every target names a row and servers of it', () => {
    for (const { row, server, against, min, max } of TARGETS) {
      const { servers } = [...ROWS, ...SWEEPS].find(({ id }: { id: string }) => id === row);
      expect(servers).toContain(server);
      if (against !== undefined) expect(servers).toContain(against);
      expect([min, max].filter((bound) => bound !== undefined)).toHaveLength(1);
    }
    for (const { servers } of [...ROWS, ...SWEEPS])
      for (const name of servers) expect(Object.keys(SERVERS)).toContain(name);
  });
});
