/** Draws results again: `node bench/report.mjs <results.json> [folder for the charts]` writes the page beside them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { renderReport, writeCharts } from './lib/report.mjs';

const [file, images] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node bench/report.mjs <results.json> [folder for the charts]');
  process.exit(2);
}
const results = JSON.parse(readFileSync(file, 'utf8'));
writeFileSync(`${file.replace(/\.json$/, '')}.html`, renderReport(results));
if (images !== undefined) writeCharts(results, images);
