/** A file with the options of a hub: JSON, or a module whose default export they are. Its paths are from its own folder. */
import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HubError, resolveOptions } from '../../index.js';
import { locateHandler } from './locate.js';

export interface ConfigFile {
  /** As it was given. */
  readonly path: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** One sentence for each option that is none, or whose value is not right. */
  readonly problems: readonly string[];
}

let reads = 0;

/** Never rejects: what is wrong with the file is a problem like others. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  try {
    const { $schema: _, ...given } = await load(path);
    const options = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, fromFolder(dirname(resolve(path)), name, value)]),
    );
    const problems = Object.entries(options).flatMap(([name, value]) => explain(name, value));
    return { path, options, problems: problems.map((problem) => `${path}: ${problem}`) };
  } catch (error) {
    return { path, options: {}, problems: [`${path}: ${(error as Error).message}`] };
  }
}

async function load(path: string): Promise<Record<string, unknown>> {
  const isJson = extname(path) === '.json';
  const value = isJson ? JSON.parse(readFileSync(path, 'utf8')) : await importDefault(path);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error(isJson ? 'it is no JSON object' : 'its default export is no object');
}

async function importDefault(path: string): Promise<unknown> {
  try {
    // Read anew each time: a module is loaded once for each URL.
    return (await import(`${pathToFileURL(path).href}?read=${reads++}`)).default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    throw new Error(`this version of Node.js loads no ${extname(path) || 'file without an extension'}`);
  }
}

/** Paths in the file are from its folder, as in other files of this kind. */
function fromFolder(folder: string, name: string, value: unknown): unknown {
  if (name === 'handler') return typeof value === 'string' ? locateHandler(value, folder) : value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (name === 'routes')
    return mapValues(value, (route) =>
      typeof route === 'object' && route !== null
        ? mapValues(route, (own, key) => (key === 'handler' ? fromFolder(folder, key, own) : own))
        : route,
    );
  if (name !== 'tls') return value;
  return mapValues(value, (own, key) =>
    (key === 'key' || key === 'cert') && typeof own === 'string' ? resolve(folder, own) : own,
  );
}

function mapValues(object: object, change: (value: unknown, key: string) => unknown): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

function explain(name: string, value: unknown): string[] {
  try {
    resolveOptions({ [name]: value });
    return [];
  } catch (error) {
    if (error instanceof HubError) return [error.message];
    throw error;
  }
}
