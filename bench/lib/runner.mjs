/**
 * Runs rows: one server process at a time, started for one measurement and stopped after it. Rounds go over all
 * servers of a row before the next round begins, each beginning with another server.
 */
import { setTimeout } from 'node:timers/promises';
import { SERVERS, startServer } from '../servers.mjs';
import { BenchAbort, LeftOut } from './errors.mjs';
import { describeMachine } from './machine.mjs';
import { rotate, summariseRounds } from './statistics.mjs';

/** So much longer than its window may a measurement take: to start, connect and close. */
const PATIENCE_MS = 120_000;

/**
 * @typedef {object} Settings
 * @property {number} rounds per server and row
 * @property {number} seconds of a measured window
 * @property {number} warmup seconds that are dropped before it
 * @property {number} workers worker threads, where a row does not say
 * @property {string[] | undefined} servers those to measure; default all of a row
 */

/**
 * @param {import('../rows.mjs').Row[]} rows
 * @param {Settings} settings
 * @param {(event: { row: object, server: string, round: number, figures?: object, leftOut?: string }) => void} onEvent
 * @returns results as they are written to a file
 * @throws BenchAbort when a connection fell, an echo was wrong, or a server died
 */
export async function runBench(rows, settings, onEvent = () => {}) {
  const date = new Date().toISOString();
  const measured = [];
  for (const row of rows) measured.push(await runRow(row, settings, onEvent));
  return { date, machine: describeMachine(), settings, rows: measured };
}

async function runRow(row, settings, onEvent) {
  const { rounds, servers: wanted } = settings;
  const setup = setupOf(row, settings);
  const names = row.servers.filter((name) => wanted === undefined || wanted.includes(name));
  const figures = new Map(names.map((name) => [name, []]));
  const leftOut = [];
  for (let round = 0; round < rounds; round++) {
    for (const server of rotate([...figures.keys()], round)) {
      try {
        const measurement = await measureOnce(row, server, settings);
        figures.get(server).push(measurement);
        onEvent({ row, server, round, figures: measurement });
      } catch (error) {
        if (!(error instanceof LeftOut)) throw explain(error, row, server);
        figures.delete(server);
        leftOut.push({ name: server, title: SERVERS[server].title(setup), reason: error.message });
        onEvent({ row, server, round, leftOut: error.message });
      }
    }
  }
  const servers = [...figures].map(([name, measurements]) => ({
    name,
    title: SERVERS[name].title(setup),
    summary: summariseRounds(measurements),
    rounds: measurements,
  }));
  const { id, title, figure, sweep } = row;
  return { id, title, figure, sweep, servers, leftOut };
}

function setupOf({ workers, handler, options, nodeFlags, subscribers }, settings) {
  return { workers: workers ?? settings.workers, handler, options, nodeFlags, subscribers };
}

async function measureOnce(row, server, settings) {
  const child = await startServer(server, setupOf(row, settings));
  const deadline = new AbortController();
  try {
    return await Promise.race([
      row.measure({ child, server: SERVERS[server], row, settings }),
      failAfter(settings, deadline.signal),
    ]);
  } finally {
    deadline.abort();
    await child.stop();
  }
}

/** A server that neither answers nor ends. */
async function failAfter({ warmup, seconds }, signal) {
  await setTimeout((warmup + seconds) * 1000 + PATIENCE_MS, undefined, { signal }).catch(() => {});
  if (!signal.aborted) throw new BenchAbort('it did not come to an end');
  return undefined;
}

/** Says where it went wrong. */
function explain(error, row, server) {
  const where = `${row.id}, ${server}`;
  return error instanceof BenchAbort ? new BenchAbort(`${where}: ${error.message}`) : error;
}
