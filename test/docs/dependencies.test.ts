/** docs/dependencies.md names what package.json does. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('each dependency has its why, and nothing else is named', () => {
  const { dependencies, peerDependencies } = JSON.parse(read('package.json'));
  const cells = [...read('docs/dependencies.md').matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) => cell!);
  const names = cells.flatMap((cell) =>
    [...cell.replace(/\(.*\)/, '').matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  const entries = readdirSync(new URL('../../scripts/vendor', import.meta.url));
  const bundled = ['uplot', ...entries.map((entry) => entry.replace('.mjs', ''))];
  const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
  expect(names.sort()).toEqual([...declared, ...bundled].sort());
});
