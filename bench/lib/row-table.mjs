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
  'cpuFrontEndMicros',
  'cpuProcessMicros',
  'cpuFrontEndCores',
  'cpuProcessCores',
  'reordered',
  'lateSends',
  'clientCores',
];

/** @returns {{ head: string[], body: string[][], notes: string[] }} medians over the rounds */
export function tabulate(row) {
  const columns = COLUMNS.filter((name) => name !== row.figure && isKnown(row, name));
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
