/** `npm start` builds when there is something to build, and only then. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/build-if-stale.mjs', import.meta.url));

test('after a checkout, an edit, an addition and a removal, but not twice', () => {
  const folder = temporaryFolder();
  const at = (path: string) => join(folder, path);
  const build = `node -e "fs.mkdirSync('dist/cli',{recursive:true});fs.writeFileSync('dist/cli/main.js','');fs.writeFileSync('built','')"`;
  writeFileSync(at('package.json'), JSON.stringify({ scripts: { build } }));
  writeFileSync(at('tsconfig.build.json'), '{}');
  mkdirSync(at('src/part'), { recursive: true });
  writeFileSync(at('src/part/a.ts'), '');
  /** Whether it built. */
  const run = () => {
    rmSync(at('built'), { force: true });
    expect(spawnSync(process.execPath, [SCRIPT], { cwd: folder, encoding: 'utf8' })).toMatchObject({
      status: 0,
    });
    return existsSync(at('built'));
  };
  const future = Date.now() / 1000 + 3600;
  let later = 0;
  /** Times of their own, however coarse the file system's clock is. */
  const settle = (path: string) => utimesSync(at(path), future, future + ++later);
  expect(run()).toBe(true);
  expect(run()).toBe(false);
  for (const path of ['src/part/a.ts', 'src/part', 'src', 'tsconfig.build.json']) {
    settle(path);
    expect(run(), path).toBe(true);
    settle('dist/cli/main.js');
    expect(run(), path).toBe(false);
  }
});
