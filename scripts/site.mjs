/**
 * `npm run docs:site`: the documents as a site with search, in docs/site/. Arguments go to VitePress, such as `--base /shardhub/`.
 *
 * VitePress is installed for this alone, beside copies of the pages: 100 MiB in 75 packages, which no other command needs. In the
 * copies a README is the index of its folder, and what is no page lies where links look for it. A link to a page that is not there
 * fails the build.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'docs/site');
const VITEPRESS = 'vitepress@1.6.4';
const PAGES =
  /^([A-Z]+|docs\/[\w-]+|docs\/(adr|internals)\/[\w-]+|bench\/README|examples\/(.+\/)?README)\.md$/;

const folder = mkdtempSync(join(tmpdir(), 'shardhub-site-'));
try {
  const pages = ['.', 'docs', 'bench', 'examples']
    .flatMap((name) =>
      readdirSync(join(ROOT, name), { recursive: name !== '.' }).map((path) => posix.join(name, path)),
    )
    .filter((path) => PAGES.test(path));
  for (const page of pages) write(asIndex(page), asPage(page));
  write('.vitepress/config.mjs', readFileSync(join(ROOT, 'scripts/site/config.mjs'), 'utf8'));
  write('.vitepress/sidebar.json', JSON.stringify(sidebar()));
  write('package.json', '{ "private": true, "type": "module" }');
  const options = { cwd: folder, stdio: 'inherit' };
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', VITEPRESS], options);
  const build = ['vitepress', 'build', '.', '--outDir', OUT, ...process.argv.slice(2)];
  execFileSync('npx', build, options);
} catch (error) {
  // What it said is all there is to say.
  if (error.status === undefined) throw error;
  process.exitCode = error.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param path from the root of the project */
function write(path, text) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Without comments, and with the links of the site. */
function asPage(page) {
  return readFileSync(join(ROOT, page), 'utf8')
    .replaceAll(/^<!-- .*? -->\n/gm, '')
    .replaceAll(/\]\((?!\w+:|#)([^)#\s]+)/g, (_, link) => `](${placed(page, link)}`);
}

function asIndex(path) {
  return path.replace(/README\.md$/, 'index.md');
}

/** Where a link of a page leads on the site; what is no page is copied there. */
function placed(page, link) {
  const target = posix.join(posix.dirname(page), link);
  const path = join(ROOT, target);
  if (existsSync(path) && statSync(path).isDirectory()) return `${link.replace(/\/?$/, '/')}index.md`;
  if (target.endsWith('.md')) return asIndex(link);
  if (!existsSync(path)) return link;
  if (/\.(png|svg)$/.test(target)) cpSync(path, join(folder, target));
  else cpSync(path, join(folder, 'public', `${target}.txt`));
  return /\.(png|svg)$/.test(target) ? link : `${link}.txt`;
}

/** The tables of docs/README.md: a group for each heading, an entry for each row, called as its page calls itself. */
function sidebar() {
  const [, ...groups] = readFileSync(join(ROOT, 'docs/README.md'), 'utf8').split(/^## /m);
  return groups.map((group) => ({
    text: group.slice(0, group.indexOf('\n')),
    items: [...group.matchAll(/^\| \[[^\]]+\]\(([^)]+)\)/gm)].map(([, link]) => {
      const target = posix.join('docs', link);
      const [, title] = /^# (.*)$/m.exec(readFileSync(join(ROOT, target), 'utf8'));
      return { text: title, link: `/${asIndex(target).replace(/(index)?\.md$/, '')}` };
    }),
  }));
}
