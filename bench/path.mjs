/**
 * `npm run bench:path`: what the I/O thread's own code costs for each message, without engine, sockets and threads. It
 * says little about how fast a server is, but tells a change of some ns from noise.
 *
 *     node bench/path.mjs [processes] [messages]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './lib/statistics.mjs';
import { ROWS } from './rows.mjs';

const RUN = fileURLToPath(new URL('path/run.mjs', import.meta.url));
/** Each process has its own luck with the optimizing compiler. */
const [processes = 7, messages = 2_000_000] = process.argv.slice(2).map(Number);
if (!(processes >= 1 && messages >= 1)) {
  console.error('usage: node bench/path.mjs [processes] [messages], both numbers of at least 1');
  process.exit(2);
}

const loads = ROWS.filter(({ isOnPath }) => isOnPath);
const times = new Map(loads.map(({ id }) => [id, []]));
for (let i = 0; i < processes; i++) {
  for (const { id, load } of loads) {
    // As many messages of a large size as of a small one would take minutes.
    const task = JSON.stringify({ load, messages: Math.ceil(messages / (1 + load.size / 1024)) });
    times.get(id).push(JSON.parse(execFileSync(process.execPath, [RUN, task], { encoding: 'utf8' })));
  }
}
console.log(
  `ns per message, medians of ${processes} processes; in: from the socket to the worker, out: back`,
);
for (const [id, list] of times) {
  const of = (name) => median(list.map((one) => one[name])).toFixed(0);
  console.log(`${id.padEnd(16)} in ${of('in').padStart(5)}   out ${of('out').padStart(5)}`);
}
