/** One row of the results as a table: for the screen and for the report. */
import { FIGURES, formatFigure } from './figures.mjs';

/** Beside the row's own figure, where they were measured. */
const COLUMNS = [
  'p50',
  'p99',
  'pingP50',
  'pingMax',
  'messagesPerSecond',
  'heapBytesPerConnection',
  'heapBytesPerSubscription',
  'peakGrowthMib',
  'cpuIoThreadMicros',
  'cpuProcessMicros',
  'cpuIoThreadCores',
  'cpuProcessCores',
  'reordered',
  'lateSends',
  'clientCores',
];

/** @returns {{ head: string[], body: string[][], notes: string[] }} medians over the rounds */
export function tabulate(row, wanted = COLUMNS) {
  const columns = wanted.filter((name) => name !== row.figure && isKnown(row, name));
  const { label } = FIGURES[row.figure];
  const first = row.servers[0]?.summary[row.figure]?.median;
  const head = ['', label, 'min – max', 'ratio', ...columns.map((name) => FIGURES[name].label)];
  const body = row.servers.map(({ title, summary }) => {
    // It may be missing: a window that is too short has no CPU time.
    const main = summary[row.figure] ?? null;
    return [
      title,
      formatFigure(row.figure, main?.median),
      main === null
        ? '–'
        : `${FIGURES[row.figure].format(main.min)} – ${FIGURES[row.figure].format(main.max)}`,
      main === null || !first ? '–' : (main.median / first).toFixed(2),
      ...columns.map((name) => formatFigure(name, summary[name]?.median)),
    ];
  });
  return { head, body, notes: notesOf(row) };
}

/** The points of a curve: what each server reached, and its ratio to the first. */
export function tabulateCurve(rows) {
  const [{ figure, sweep, servers }] = rows;
  const medianOf = (row, index) => row.servers[index]?.summary[figure]?.median;
  const body = rows.map((row) => [
    row.sweep.x.toLocaleString('en-US'),
    ...servers.map((_, index) => {
      const value = medianOf(row, index);
      const ratio = value && medianOf(row, 0) ? ` (${(value / medianOf(row, 0)).toFixed(2)})` : '';
      return `${formatFigure(figure, value)}${index === 0 ? '' : ratio}`;
    }),
  ]);
  return { head: [sweep.axis, ...servers.map(({ title }) => title)], body, notes: rows.flatMap(notesOf) };
}

const isKnown = (row, name) => row.servers.some(({ summary }) => summary[name] && summary[name].max > 0);

function notesOf(row) {
  const absent = row.leftOut.map(({ title, reason }) => `${title} is left out: ${reason}.`);
  const limited = row.servers.flatMap(({ title, rounds }) => {
    const count = rounds.filter(({ clientIsBottleneck }) => clientIsBottleneck === 1).length;
    if (count === 0) return [];
    return [`${title}: the client was at its limit in ${count} of ${rounds.length} rounds.`];
  });
  return [...absent, ...limited];
}
