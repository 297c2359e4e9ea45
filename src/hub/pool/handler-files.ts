/** Which files a handler consists of: its module and what that imports, packages left out. I/O thread. */
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * What stands in `from '…'`, `import '…'`, `import('…')` and `require('…')`. What only looks like one, in a comment or a
 * string, costs a look at a file that is not there; a parser would have to know TypeScript, and files with a mistake.
 */
const SPECIFIER = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['"])([^'"\n]+)\1/g;

/** A handler of more files than that is watched in part. */
const MAX_FILES = 2000;

/** Paths of files, each once. Files that cannot be read are among them: they may come back. */
export function handlerFiles(urls: readonly string[]): string[] {
  const found = new Set(urls.map((url) => fileURLToPath(url)));
  for (const path of found) {
    if (found.size >= MAX_FILES) break;
    for (const specifier of specifiersIn(path)) {
      const file = resolveFile(specifier, path);
      if (file !== undefined) found.add(file);
    }
  }
  return [...found];
}

function specifiersIn(path: string): string[] {
  try {
    return [...readFileSync(path, 'utf8').matchAll(SPECIFIER)].map(([, , specifier]) => specifier!);
  } catch {
    return [];
  }
}

/** Undefined for what is no file of the application's own. */
function resolveFile(specifier: string, from: string): string | undefined {
  if (/^(file:|\.{0,2}\/)/.test(specifier)) {
    const path = fileURLToPath(new URL(specifier, pathToFileURL(from)));
    // As `require` and compilers complete it.
    return /\.\w+$/.test(path) ? path : (resolveAs(specifier, from) ?? path);
  }
  return resolveAs(specifier, from);
}

/** As Node.js does, through links of workspaces. */
function resolveAs(specifier: string, from: string): string | undefined {
  try {
    const path = realpathSync(createRequire(from).resolve(specifier));
    return path.includes('/node_modules/') ? undefined : path;
  } catch {
    return undefined;
  }
}
