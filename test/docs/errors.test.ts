/** docs/errors.md against the code, both ways. */
import { readdirSync, readFileSync } from 'node:fs';
import { HUB_ERROR_CODES, HubError } from 'shardhub';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/errors.md', root), 'utf8');

const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path !== 'api/errors.ts')
  .map((path) => readFileSync(new URL(`src/${path}`, root), 'utf8'))
  .join('\n');

test('the page lists every code, in the order of the code, and no other', () => {
  const listed = [...page.matchAll(/^\| `(ERR_[A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(listed).toEqual([...HUB_ERROR_CODES]);
  const named = new Set([...page.matchAll(/\bERR_[A-Z_]+\b/g)].map(([code]) => code));
  expect([...named].sort()).toEqual([...HUB_ERROR_CODES].sort());
});

test.each(HUB_ERROR_CODES)('%s is used', (code) => {
  expect(sources).toContain(`'${code}'`);
});

test('a HubError says what it is', () => {
  const cause = new Error('why');
  const error = new HubError('ERR_LISTEN', 'no', { cause });
  expect(error).toMatchObject({ name: 'HubError', code: 'ERR_LISTEN', message: 'no', cause });
  expect(error).toBeInstanceOf(Error);
});
