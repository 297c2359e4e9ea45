/** `shardhub init`: a small project in TypeScript, from the files of `templates/app`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../index.js';

const TEMPLATE = fileURLToPath(new URL('../../../templates/app/', import.meta.url));

/** @throws Error when there is something in the folder, or it cannot be written */
export function init(folder: string): void {
  const target = resolve(folder);
  if (entriesOf(target).length > 0)
    throw new Error(`${target} is not empty: init takes a folder that is, or is not there`);
  for (const path of readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue;
    const from = join(path.parentPath, path.name);
    // npm leaves a file of this name out of a package.
    const to = join(target, from.slice(TEMPLATE.length).replace(/^gitignore$/, '.gitignore'));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, fill(readFileSync(from, 'utf8'), packageName(target)));
  }
  process.stdout.write(
    `${target} is made. Next:\n\n  cd ${folder}\n  npm install\n  npm test\n  npm start\n`,
  );
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR')
      throw new Error(`${folder} is a file: init takes a folder`);
    throw error;
  }
}

function fill(text: string, name: string): string {
  return text.replaceAll('__NAME__', name).replaceAll('__VERSION__', VERSION);
}

/** The folder's name as npm takes it. */
function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._~-]+/g, '-')
    .replace(/^[._-]+/, '');
  return name === '' ? 'my-app' : name;
}
