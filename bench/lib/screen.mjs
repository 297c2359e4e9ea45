/** What the benchmarks say on the screen. */
import { loadavg } from 'node:os';
import Table from 'cli-table3';
import { groupCurves } from './curve-chart.mjs';
import { formatFigure } from './figures.mjs';
import { tabulate, tabulateCurve } from './row-table.mjs';

/** Above this, others use the cores too. */
const BUSY_LOAD_AVERAGE = 0.5;

export function warnOfLoad() {
  const [load] = loadavg();
  if (load <= BUSY_LOAD_AVERAGE) return;
  process.stderr.write(
    `the load average is ${load.toFixed(1)}: what else runs here is part of the figures\n`,
  );
}

/** One line for each measurement, as it ends. */
export function showEvent({ row, server, round, figures, leftOut }) {
  const what = leftOut === undefined ? formatFigure(row.figure, figures[row.figure]) : `left out: ${leftOut}`;
  process.stderr.write(`${row.id}, round ${round + 1}, ${server}: ${what}\n`);
}

export function showTable(head, body) {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...body);
  process.stdout.write(`${table}\n`);
}

/** All rows, those of a curve in one table. */
export function showRows(rows) {
  for (const group of groupCurves(rows)) {
    const [{ title, sweep }] = group;
    if (sweep === undefined) showOne(title, tabulate(group[0]));
    else showOne(`${sweep.title}, over ${sweep.axis}`, tabulateCurve(group));
  }
}

function showOne(title, { head, body, notes }) {
  process.stdout.write(`\n${title}\n`);
  if (body.length > 0) showTable(head, body);
  for (const note of notes) process.stdout.write(`${note}\n`);
}
