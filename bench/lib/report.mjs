/** The results as a page that needs nothing else, and its charts as files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawChart } from './chart.mjs';
import { drawCurve, groupCurves } from './curve-chart.mjs';
import { escapeHtml } from './html.mjs';
import { tabulate, tabulateCurve } from './row-table.mjs';

const STYLE = `
  :root { color-scheme: light dark; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 2rem auto; padding: 0 1rem; }
  section { margin: 3rem 0; } .wide { overflow-x: auto; } svg { max-width: 100%; height: auto; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
  th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; }`;

/** @param {object} results of `runBench` @returns {string} */
export function renderReport(results) {
  const { date, machine, settings } = results;
  const { rounds, seconds, warmup, workers } = settings;
  const facts = { ...machine, packages: formatPackages(machine.packages) };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>shardhub benchmarks, ${escapeHtml(date)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}
</style></head><body>
<h1>shardhub benchmarks</h1>
<p>${escapeHtml(date)}. Interleaved rounds: ${rounds}, each of ${seconds} s after ${warmup} s of warm-up; medians. Worker threads: ${workers},
where a row does not say. The load comes from the same machine. How it is measured: bench/README.md.</p>
<table>${Object.entries(facts)
    .map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(value ?? '–')}</td></tr>`)
    .join('')}</table>
${groupCurves(results.rows).map(renderGroup).join('\n')}
</body></html>
`;
}

const formatPackages = (packages) =>
  Object.entries(packages)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

/** One row, or the points of a curve. */
function renderGroup(rows) {
  const { head, body, notes } = isCurve(rows) ? tabulateCurve(rows) : tabulate(rows[0]);
  const cells = (tag, texts) =>
    `<tr>${texts.map((text) => `<${tag}>${escapeHtml(text)}</${tag}>`).join('')}</tr>`;
  return `<section id="${escapeHtml(idOf(rows))}">
${draw(rows)}<div class="wide"><table>${cells('th', head)}${body.map((line) => cells('td', line)).join('')}</table></div>
${notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('')}
</section>`;
}

const isCurve = ([{ sweep }]) => sweep !== undefined;
/** What its chart and section are called. */
export const idOf = ([{ id, sweep }]) => sweep?.id ?? id;
const draw = (rows) => (isCurve(rows) ? drawCurve(rows) : drawChart(rows[0]));

/**
 * Writes `<date>.json` and `<date>.html`, and with `images` a `bench-<row>.svg` for each row and curve.
 *
 * @returns {string[]} the paths of the JSON and of the page
 */
export function writeResults(results, { out, images }) {
  mkdirSync(out, { recursive: true });
  const stem = join(out, results.date.slice(0, 19).replaceAll(':', ''));
  writeFileSync(`${stem}.json`, `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(`${stem}.html`, renderReport(results));
  if (images !== undefined) writeCharts(results, images);
  return [`${stem}.json`, `${stem}.html`];
}

export function writeCharts(results, folder) {
  mkdirSync(folder, { recursive: true });
  for (const rows of groupCurves(results.rows))
    writeFileSync(join(folder, `bench-${idOf(rows)}.svg`), draw(rows));
}
