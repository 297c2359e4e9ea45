/**
 * The tests of faults with large numbers, one after the other, and a report of what held. Takes a while.
 *
 * Run by `npm run soak`. SHARDHUB_STORM_DEATHS, SHARDHUB_CHURN and SHARDHUB_FAN_OUT set smaller or larger numbers. The exit code is 1
 * when something did not hold.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const deaths = process.env.SHARDHUB_STORM_DEATHS ?? '5000';
const connections = process.env.SHARDHUB_CHURN ?? '500000';
const subscribers = process.env.SHARDHUB_FAN_OUT ?? '10000';
const TIMEOUT_MS = 2 * 60 * 60 * 1000;

const runs = [
  {
    name: 'crash storm',
    numbers: `${deaths} deaths`,
    file: 'test/hub/pool/crash-storm.full.test.ts',
    env: { SHARDHUB_STORM_DEATHS: deaths, SHARDHUB_STORM_REPORT: '1' },
  },
  {
    name: 'churn',
    numbers: `${connections} connections`,
    file: 'test/hub/churn.full.test.ts',
    env: { SHARDHUB_CHURN: connections, SHARDHUB_CHURN_REPORT: '1' },
  },
  {
    name: 'fan-out',
    numbers: `${subscribers} subscribers, 1,000 messages`,
    file: 'test/hub/pubsub/fan-out.full.test.ts',
    env: { SHARDHUB_FAN_OUT: subscribers, SHARDHUB_FAN_OUT_PUBLISHES: '1000' },
  },
  {
    name: 'streams',
    numbers: '1 GB to a peer that reads 20 MB/s',
    file: 'test/workers/stream-memory.full.test.ts',
    env: { SHARDHUB_STREAM_MB: '1000', SHARDHUB_STREAM_RATE: '20' },
  },
  {
    name: 'overload',
    numbers: 'as in the suite',
    file: 'test/hub/overload.full.test.ts',
    env: { SHARDHUB_OVERLOAD_REPORT: '1' },
  },
];

/** Runs one file; what it prints is shown and kept. */
async function run({ file, env }) {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const child = spawn(process.execPath, [vitest, 'run', file, `--testTimeout=${TIMEOUT_MS}`], {
    cwd: root,
    env: { ...process.env, ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const [code] = await once(child, 'close');
  return { held: code === 0, output };
}

const report = [];
for (const each of runs) {
  const start = performance.now();
  const { held, output } = await run(each);
  report.push({
    name: each.name,
    numbers: each.numbers,
    held,
    seconds: Math.round((performance.now() - start) / 1000),
    memory: [...output.matchAll(/^(?:.*\b(peak \d+ MiB)|(grown by .+))$/gm)].map(
      ([, peak, growth]) => peak ?? growth,
    ),
  });
}

console.log('\nWhat held:\n');
for (const { name, numbers, held, seconds, memory } of report) {
  console.log(`${held ? 'held  ' : 'FAILED'}  ${name}: ${numbers}, ${seconds} s`);
  for (const line of memory) console.log(`          ${line}`);
}
process.exitCode = report.every(({ held }) => held) ? 0 : 1;
