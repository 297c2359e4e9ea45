/** What is generated from the sources, and said about them, is up to date. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The compiler reads everything, on whatever machine. */
const DEADLINE_MS = 600_000;

/** Runs a script of the project; what it complains about. */
function complaintsOf(script: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}` || `${script} ended with ${status}`;
}

test(
  'HubOptions and the options page say what the schema says',
  () => {
    expect(complaintsOf('scripts/options.mjs', '--check')).toBe('');
  },
  DEADLINE_MS,
);

test(
  'everything public is documented, and every link leads somewhere',
  () => {
    expect(complaintsOf('node_modules/typedoc/bin/typedoc', '--emit', 'none')).toBe('');
  },
  DEADLINE_MS,
);

describe('the pages in docs', () => {
  const pages = readdirSync(join(ROOT, 'docs')).filter(
    (name) => name.endsWith('.md') && name !== 'README.md',
  );
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

  test('are all listed in docs/README.md', () => {
    const listed = [...read('docs/README.md').matchAll(/^\| \[[^\]]+\]\(([^)]+\.md)\)/gm)].map(
      ([, page]) => page,
    );
    expect(listed.filter((page) => !page!.startsWith('../')).sort()).toEqual(pages.sort());
  });

  test.each(['README.md', 'docs/README.md', ...pages.map((name) => `docs/${name}`)])(
    '%s links to files',
    (page) => {
      const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target!);
      const missing = targets.filter((target) => !existsSync(join(ROOT, dirname(page), target)));
      expect(missing).toEqual([]);
    },
  );
});

test('the table of jwtUpgrade’s options has what the types have', () => {
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const [, body = ''] = /interface JwtUpgradeOptions<[^{]*\{(.*?)\n\}/s.exec(read('src/auth.ts')) ?? [];
  const declared = [...body.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s+readonly (\w+)/gs)].map(
    ([, text, name]) => ({
      name,
      // A default in words is told in other words.
      fallback: /Default: (\d+)\./.exec(text!)?.[1],
    }),
  );
  const [, table = ''] =
    /\| option of `jwtUpgrade`.*?\n\|[-|]+\n(.*?)\n\n/s.exec(read('docs/handshake.md')) ?? [];
  const rows = table.split('\n').map((row) => ({
    name: /^\| `(\w+)` /.exec(row)?.[1],
    fallback: /\| (\d+) \|$/.exec(row)?.[1],
  }));
  expect(declared.length).toBeGreaterThan(10);
  expect(rows).toEqual(declared);
});
