/**
 * Writes what is said of the options from the one schema: src/api/hub-options.ts, for editors and the API pages, and
 * docs/options.md. Reads the build. With --check nothing is written: exit code 1 when one of them is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readOptions } from './lib/options.mjs';
import { renderInterface } from './lib/options-interface.mjs';
import { renderPage } from './lib/options-page.mjs';

const COMMAND = 'npm run docs:options';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const options = await readOptions();
const rendered = {
  'src/api/hub-options.ts': renderInterface(options),
  'docs/options.md': renderPage(options),
};

const stale = Object.entries(rendered).filter(([path, text]) => text !== read(path));
if (!values.check) for (const [path, text] of stale) writeFileSync(locate(path), text);
else if (stale.length > 0) {
  const paths = stale.map(([path]) => path).join(' and ');
  process.stderr.write(`${paths} do not say what the options schema says; run: ${COMMAND}\n`);
  process.exitCode = 1;
}

/** @param {string} path from the root of the repository */
function locate(path) {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(locate(path), 'utf8');
  } catch {
    return undefined;
  }
}
