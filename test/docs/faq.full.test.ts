/** The samples of docs/faq.md and docs/developing.md compile, under strict rules, against the types of the package. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { typeComplaints } from '../support/type-check.js';

const HANDLER =
  "import { defineHandler } from 'shardhub/worker';\nexport default defineHandler({ message: () => 'HI' });";

test.each(['docs/faq.md', 'docs/developing.md'])('%s', (page) => {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const samples = text.match(/(?<=```ts\n)[\s\S]*?(?=```)/g) ?? [];
  expect(samples.length).toBeGreaterThan(0);
  const files = samples.map((code, i) => [
    `sample-${i}.mts`,
    code.replace("'./handler.js'", "'./handler.mjs'"),
  ]);
  expect(typeComplaints({ ...Object.fromEntries(files), 'handler.mts': HANDLER })).toEqual([]);
});
