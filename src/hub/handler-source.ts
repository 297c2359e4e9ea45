/** Where a handler's module is, from what the user gave. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HubError } from '../errors.js';
import type { HandlerSource } from '../wire/lane-task.js';

/** Handlers that are built in, by name. */
export const BUILT_IN_HANDLERS = ['echo', 'done'] as const;

/** @throws HubError `ERR_HANDLER_LOAD` when there is no such file */
export function findHandler(given: string | URL): HandlerSource {
  const name = String(given);
  if ((BUILT_IN_HANDLERS as readonly string[]).includes(name)) {
    return { name, url: new URL(`../workers/handlers/${name}.js`, import.meta.url).href };
  }
  const url =
    given instanceof URL ? given : name.startsWith('file:') ? new URL(name) : pathToFileURL(resolve(name));
  if (url.protocol !== 'file:' || !existsSync(fileURLToPath(url))) {
    const built = BUILT_IN_HANDLERS.join(' and ');
    throw new HubError(
      'ERR_HANDLER_LOAD',
      `handler ${name} does not exist: ${url.href} (built in are ${built})`,
    );
  }
  return { name, url: url.href };
}
