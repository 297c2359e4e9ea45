/** Results as the figures of docs/performance.md: between its marks stand tables, and pictures of curves. */
import { groupCurves } from './curve-chart.mjs';
import { idOf } from './report.mjs';
import { tabulate, tabulateCurve } from './row-table.mjs';

const COLUMNS = ['p50', 'p99', 'pingMax', 'peakGrowthMib', 'cpuIoThreadMicros', 'cpuProcessMicros'];

/** The rows of several runs, in the order of some ids; one that is in several comes from the last. */
export function mergeRuns(runs, ids) {
  const found = new Map(runs.flatMap((run) => run.rows.map((row) => [row.id, { ...row, run }])));
  return ids.flatMap((id) => found.get(id) ?? []);
}

/**
 * @param {string} page
 * @param {object[]} rows of `mergeRuns`; where there are no curves among them, or nothing but curves, what is there stays
 * @returns {string} the page with their figures
 */
export function fillPage(page, rows) {
  const isCurve = ({ sweep }) => sweep !== undefined;
  const withCurves = fill(page, 'curves', rows.filter(isCurve));
  return fill(
    withCurves,
    'rows',
    rows.filter((row) => !isCurve(row)),
  );
}

function fill(page, name, rows) {
  if (rows.length === 0) return page;
  const runs = [...new Set(rows.map(({ run }) => run))];
  const sources = runs.map((run) =>
    describeRun(
      run,
      rows.filter((row) => row.run === run),
    ),
  );
  const sections = groupCurves(rows).map(renderSection);
  const place = new RegExp(`(?<=<!-- ${name} -->\n)[\\s\\S]*(?=<!-- end of ${name} -->)`);
  return page.replace(place, () => `\n${sources.join('\n')}\n\n${sections.join('\n')}\n`);
}

function describeRun({ date, machine, settings }, rows) {
  const names = [...new Set(rows.map((row) => `\`${idOf([row])}\``))].join(', ');
  const { cores, cpu, memoryGiB, kernel, node, packages } = machine;
  const { rounds, seconds, warmup } = settings;
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  const windows = `rounds: ${rounds}, windows of ${seconds} s after ${warmup} s of warm-up`;
  return `- ${date.slice(0, 10)}, ${cores} cores (${cpu}), ${memoryGiB} GiB, ${kernel}, Node.js ${node}, ${versions.join(', ')}; ${windows}: ${names}`;
}

function renderSection(group) {
  const [{ title, sweep }] = group;
  const isCurve = sweep !== undefined;
  const { head, body, notes } = isCurve ? tabulateCurve(group) : tabulate(group[0], COLUMNS);
  const name = isCurve ? `${sweep.title}, over ${sweep.axis}` : title;
  const picture = isCurve ? [`![${name}](images/bench-${sweep.id}.svg)`, ''] : [];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const table = [line(head), line(head.map(() => '---')), ...body.map(line)];
  // Of a curve they would not say which point they are about.
  const remarks = isCurve ? [] : notes.map((note) => `${note}\n`);
  return [`**${name}**`, '', ...picture, ...table, '', ...remarks].join('\n');
}
