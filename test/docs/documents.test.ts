/** What is generated from the sources, and said about them, is up to date. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { complaintsOf, DEADLINE_MS, ROOT } from '../support/processes/project-script.js';

/** Folders that commands make. */
const MADE = ['docs/api/', 'docs/site/', 'bench/results/'];

const exists = (path: string) => existsSync(join(ROOT, path));

test(
  'HubOptions and the options page say what the schema says',
  () => {
    expect(complaintsOf('scripts/options.mjs', '--check')).toBe('');
  },
  DEADLINE_MS,
);

describe('the pages', () => {
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const below = (folder: string) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => `${folder}/${String(name)}`)
      .filter((path) => path.endsWith('.md') && !path.startsWith('docs/api/'));
  const docs = below('docs');
  const pages = [...readdirSync(ROOT).filter((name) => name.endsWith('.md')), ...docs, 'bench/README.md'];
  const tests = new Set(
    readdirSync(join(ROOT, 'test'), { recursive: true }).map((name) =>
      basename(String(name)).replace(/(\.full)?\.test\.ts$/, ''),
    ),
  );

  test('of docs are all listed in docs/README.md, those of decisions in a list of their own', () => {
    const listed = (index: string) =>
      [...read(index).matchAll(/^\| \[[^\]]+\]\(([^)]+\.md)\)/gm)].map(([, page]) =>
        join(dirname(index), page!),
      );
    const isDecision = (path: string) => /^docs\/adr\/\d/.test(path);
    expect(listed('docs/adr/README.md').sort()).toEqual(docs.filter(isDecision).sort());
    const others = docs.filter((path) => path !== 'docs/README.md' && !isDecision(path));
    expect(listed('docs/README.md')).toEqual(expect.arrayContaining(others));
  });

  /** What a heading is called in an address, as GitHub makes it. */
  const anchorsOf = (text: string) =>
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  test.each(pages)('%s links to what exists, and names files that exist', (page) => {
    const text = read(page);
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    expect(
      links.map(([, path]) => join(dirname(page), path!)).filter((path) => path && !exists(path)),
    ).toEqual([]);
    const anchors = links.filter(([, path, anchor]) => anchor && (!path || path.endsWith('.md')));
    const target = (path: string) => (path === '' ? page : join(dirname(page), path));
    const astray = anchors.filter(([, path, anchor]) => !anchorsOf(read(target(path!))).includes(anchor!));
    expect(astray.map(([all]) => all)).toEqual([]);
    const named = [...text.matchAll(/`((?:src|test|bench|docs|scripts|examples|public)\/[\w./-]+)`/g)];
    const isMade = (path: string) => MADE.some((folder) => path.startsWith(folder));
    expect(named.map(([, path]) => path!).filter((path) => !exists(path) && !isMade(path))).toEqual([]);
  });

  describe('ARCHITECTURE.md', () => {
    const text = read('ARCHITECTURE.md');

    test('names files that exist, also where the folder was named before', () => {
      let folder = '';
      const missing = [...text.matchAll(/`(src\/[\w./-]+|[\w-]+\.ts)`/g)].filter(([, name]) => {
        const path = name!.startsWith('src/') ? name! : join(folder, name!);
        if (name!.startsWith('src/')) folder = path.endsWith('.ts') ? dirname(path) : path;
        return !exists(path);
      });
      expect(missing.map(([all]) => all)).toEqual([]);
    });

    test('names tests that exist, for each of the seven promises', () => {
      const lists = [...text.matchAll(/^\d\. \*\*[^*]+\*\*: [\s\S]*?Tests?: (.*)\.$/gm)];
      const named = lists.flatMap(([, list]) => [...list!.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!));
      expect(lists).toHaveLength(7);
      expect(named.filter((name) => !tests.has(name))).toEqual([]);
    });

    test('names classes, types and their members as the sources do', () => {
      const sources = readdirSync(join(ROOT, 'src'), { recursive: true })
        .map((name) => `src/${String(name)}`)
        .filter((path) => path.endsWith('.ts'))
        .map(read);
      const holds = (pattern: string) => sources.some((source) => new RegExp(pattern, 'm').test(source));
      const named = [...text.matchAll(/`([A-Z][a-z]\w+)(?:\.(\w+))?`/g)].filter(
        ([, name]) => name !== 'Atomics',
      );
      expect(named.length).toBeGreaterThan(10);
      const unknown = named.filter(
        ([, name, member]) =>
          !holds(`(class|interface|type) ${name}\\b`) ||
          (member !== undefined && !holds(`^  (async )?${member}\\(`)),
      );
      expect(unknown.map(([all]) => all)).toEqual([]);
    });
  });

  test.each(['docs/internals/engine.md', 'docs/reliability.md'])('%s names tests that exist', (page) => {
    const [, ...tables] = read(page).split(/^\|.*\| (?:held|shown) by \|\n/m);
    const rows = tables.flatMap((table) => /^(?:\|.*\n)+/.exec(table)?.[0].trim().split('\n').slice(1) ?? []);
    const named = rows.flatMap((row) =>
      [
        ...row
          .split('|')
          .at(-2)!
          .matchAll(/`([\w-]+)`/g),
      ].map(([, name]) => name!),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !tests.has(name))).toEqual([]);
  });

  test('CONTRIBUTING.md shows code as it is, and the variables that tests read', () => {
    const text = read('CONTRIBUTING.md');
    const excerpts = [...text.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
    expect(excerpts.length).toBeGreaterThan(4);
    for (const [, path, code] of excerpts) expect(read(path!)).toContain(code!);
    const sources = readdirSync(join(ROOT, 'test'), { recursive: true }).map(String);
    const variables = sources
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .flatMap((name) => [...read(join('test', name)).matchAll(/process\.env\.(SHARDHUB_\w+)/g)])
      .map(([, name]) => name!);
    expect([...new Set(variables)].filter((name) => !text.includes(name))).toEqual([]);
  });
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
