/** README.md and docs/cli.md against the code: the tables of flags say what the command line takes. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BENCH_FLAGS } from '../../src/cli/bench/flags.js';
import { CLIENT_FLAGS } from '../../src/cli/client/flags.js';
import { type Flag, listFlags } from '../../src/cli/flags/flags.js';
import type { ToolFlags } from '../../src/cli/flags/tool-flags.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const README = read('README.md');
const HEAD = '| flag | environment | default | |\n|---|---|---|---|';

/** What `--help` says of a flag, taken apart again. */
function parseHelp({ help, usage }: Flag): { description: string; fallback: string } {
  const [, text, fallback] = /^([^\n]*)\n(?:.*\n)*default: (.*), env: /.exec(help) ?? [];
  if (text === undefined || fallback === undefined) throw new Error(`no description or default for ${usage}`);
  return { description: text, fallback };
}

/** A cell: a bar would end it, even inside code. */
const cell = (text: string) => text.replaceAll('|', '\\|');
const code = (text: string) => cell(`\`${text}\``);

function row(flag: Flag): string {
  const { description, fallback } = parseHelp(flag);
  const cells = [code(flag.usage), code(flag.env), cell(fallback), cell(description)];
  return `| ${cells.join(' | ')} |`;
}

function flagsTable(): string {
  return [HEAD, ...listFlags().map(row)].join('\n');
}

function toolFlagsTable(flags: ToolFlags): string {
  const rows = Object.values(flags).map(
    ({ usage, fallbackText, description }) => `| ${code(usage)} | ${fallbackText} | ${cell(description)} |`,
  );
  return ['| flag | default | |\n|---|---|---|', ...rows].join('\n');
}

/** What stands between two comments. */
function marked(text: string, name: string): string | undefined {
  return new RegExp(`<!-- ${name} -->\n+([^]*?)\n+<!-- /${name} -->`).exec(text)?.[1];
}

test.each([
  ['flags', flagsTable()],
  ['client flags', toolFlagsTable(CLIENT_FLAGS)],
  ['bench flags', toolFlagsTable(BENCH_FLAGS)],
])('the table of %s is what the command line takes', (name, expected) => {
  expect(
    marked(read('docs/cli.md'), name),
    `docs/cli.md has to say, between <!-- ${name} --> and <!-- /${name} -->:\n\n${expected}\n`,
  ).toBe(expected);
});

test('the README has the eight flags that people need, as the command line has them, and is short', () => {
  const [head, rows] = [
    marked(README, 'flags')?.slice(0, HEAD.length),
    marked(README, 'flags')?.split('\n').slice(2),
  ];
  expect(head).toBe(HEAD);
  expect(rows).toHaveLength(8);
  expect(flagsTable().split('\n')).toEqual(expect.arrayContaining(rows!));
  expect(README.split('\n').length - 1).toBeLessThanOrEqual(140);
});

test('the commands of the README exist', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const commands = [...README.matchAll(/^npm ci && npm (?:run )?([\w:]+)/gm)].map(([, name]) => name!);
  expect(commands).toEqual(['start', 'test']);
  for (const name of commands) expect(scripts).toHaveProperty([name]);
});

test('the default of --workers is told in words, the same on every machine', () => {
  const workers = listFlags().find(({ name }) => name === 'workers')!;
  expect(parseHelp(workers).fallback).toBe('cores less one');
});
