/**
 * Writes the figures of docs/performance.md and their pictures: `npm run bench:docs -- <results.json>…`. A row that is in
 * several files comes from the last of them; text outside the marks stays.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fillPage, mergeRuns } from './lib/docs-page.mjs';
import { writeCharts } from './lib/report.mjs';
import { ROWS } from './rows.mjs';
import { SWEEPS } from './sweeps.mjs';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const PAGE = `${DOCS}performance.md`;

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: node bench/docs.mjs <results.json>...');
  process.exit(2);
}
const runs = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
const rows = mergeRuns(
  runs,
  [...SWEEPS, ...ROWS].map(({ id }) => id),
);
const page = fillPage(readFileSync(PAGE, 'utf8'), rows);
writeFileSync(PAGE, page);
// Pictures that a page shows: of curves by what was just written, of rows by hand.
const pages = page + readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const isShown = ({ id, sweep }) => pages.includes(`bench-${sweep?.id ?? id}.svg`);
writeCharts({ rows: rows.filter(isShown) }, `${DOCS}images`);
