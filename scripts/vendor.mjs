/**
 * Bundles into dist/vendor what only the command, its tools, the console page and `shardhub/testing` use: a file for each of
 * scripts/vendor, so that who embeds the hub installs none of these packages. The sources import them as `#vendor/<package>`,
 * which package.json leads here. Beside them: the licence of each package that went in, and which ones these are.
 */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const ENTRIES = 'scripts/vendor';
const OUT = 'dist/vendor';
/** What a browser loads as it is. */
const PAGE_FILES = { 'uplot.js': 'uPlot.esm.js', 'uplot.css': 'uPlot.min.css' };
const LICENCES = ['MIT', 'ISC', 'BSD-2-Clause', '(MIT AND Zlib)'];

const { metafile } = await build({
  entryPoints: readdirSync(ENTRIES).map((name) => `${ENTRIES}/${name}`),
  outdir: OUT,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // Faster code for ws, which does without where it finds none.
  external: ['bufferutil', 'utf-8-validate'],
  // Loaded by hdr-histogram-js, and called for histograms in WebAssembly alone, which are not ours: any module does.
  alias: { '@assemblyscript/loader': 'node:module' },
  // What is CommonJS asks for modules of Node.js.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});
for (const [name, file] of Object.entries(PAGE_FILES))
  copyFileSync(`node_modules/uplot/dist/${file}`, `${OUT}/${name}`);

const folders = ['node_modules/uplot', ...Object.keys(metafile.inputs)].flatMap(
  (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
);
const packages = [...new Set(folders)].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!LICENCES.includes(license) || file === undefined)
    throw new Error(`${name} is under ${license}: look at it`);
  return { name, version, text: readFileSync(`${folder}/${file}`, 'utf8').trim() };
});
const sections = packages.map(
  ({ name, version, text }) => `${'-'.repeat(80)}\n${name} ${version}\n\n${text}\n`,
);
writeFileSync(
  `${OUT}/THIRD-PARTY-NOTICES.txt`,
  `The files of this folder are made of these packages. The licence of each:\n\n${sections.join('\n')}`,
);
writeFileSync(
  `${OUT}/packages.json`,
  `${JSON.stringify(packages.map(({ name, version }) => ({ name, version })))}\n`,
);
