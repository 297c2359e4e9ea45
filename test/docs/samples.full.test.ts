/** Every block of the documents: code compiles under strict rules against the package's types, commands and data parse. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { typeComplaints } from '../support/type-check.js';

const ROOT = new URL('../../', import.meta.url);
const PAGES = ['README.md', ...readdirSync(new URL('docs/', ROOT)).filter((name) => name.endsWith('.md'))];

interface Block {
  readonly place: string;
  readonly kind: string;
  readonly text: string;
}

const BLOCKS: Block[] = PAGES.flatMap((page) => {
  const path = page === 'README.md' ? page : `docs/${page}`;
  const all = readFileSync(new URL(path, ROOT), 'utf8').matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```/gm);
  return [...all].map(([, kind, text], i) => ({
    place: `${page.replace('.md', '')}-${i}`,
    kind: kind!,
    text: text!,
  }));
});
const ofKind = (...kinds: string[]) => BLOCKS.filter(({ kind }) => kinds.includes(kind));

/** What samples have around them that say nothing of it. */
const PRELUDE = `import type { Hub } from 'shardhub';
import type { Connection } from 'shardhub/worker';
declare global {
  const createHub: typeof import('shardhub').createHub;
  const hub: Hub;
  const connection: Connection;
  const offset: number;
  const epoch: string;
  const sessions: { find(cookie: string | undefined): Promise<{ id: string } | undefined> };
  function nextTick(): Promise<string>;
}`;
const HANDLER = 'export default { message: () => "HI" };';

test.each([
  ['ts', {}],
  // JavaScript: what would be an error when it runs.
  ['js', { noImplicitAny: false }],
] as const)('%s compiles', (kind, options) => {
  const code = ofKind(kind);
  expect(code.length).toBeGreaterThan(15);
  const files = code.map(({ place, text }) => [
    `${place}.mts`,
    // Jest is in a folder of its own, where runners.full.test.ts runs this.
    `${text.replaceAll("'./handler.js'", "'./handler.mjs'").replace("'@jest/globals'", "'vitest'")}\nexport {};`,
  ]);
  const texts = { ...Object.fromEntries(files), 'prelude.mts': PRELUDE, 'handler.mts': HANDLER };
  const unused = { noUnusedLocals: false, noUnusedParameters: false };
  const complaints = typeComplaints(texts, { ...unused, ...options });
  const isOfTypes = (text: string) => kind === 'js' && text.endsWith("is of type 'unknown'.");
  expect(complaints.filter((text) => !isOfTypes(text))).toEqual([]);
});

test.each(ofKind('sh'))('$place: a shell takes its commands', ({ text }) => {
  expect(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  });
});

test.each(ofKind('json', 'yaml'))('$place parses', ({ kind, text }) => {
  expect(kind === 'json' ? JSON.parse(text) : parse(text)).toBeTypeOf('object');
});

test('there are no other kinds of blocks than those that are checked here, and figures', () => {
  // promql is asked in operating.full.test.ts.
  const known = ['ts', 'js', 'sh', 'json', 'yaml', 'promql', ''];
  expect(BLOCKS.filter(({ kind }) => !known.includes(kind))).toEqual([]);
});
