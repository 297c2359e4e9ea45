/** Where a handler's module is, from what the user gave. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, HubError } from '../../api/errors.js';
import { OBJECT_PROTOCOL } from '../../util/handler-objects.js';
import type { HandlerSource } from '../../wire/worker-task.js';

/** Handlers that are built in, by name. */
export const BUILT_IN_HANDLERS = ['echo', 'done', 'chat', 'burn'] as const;

/** The option `affinity` of those that keep what belongs together in one worker, unless it is given. */
const BUILT_IN_AFFINITY: Readonly<Record<string, string>> = { chat: 'query:room=lobby' };

/** A handler, and the `affinity` that it brings. */
export interface FoundHandler extends HandlerSource {
  readonly affinity?: string;
}

/** µs of `burn:<µs>`. */
const MAX_BURN_US = 10_000_000;

/** @throws HubError `ERR_HANDLER_LOAD` when there is no such file, or a built-in handler does not take its argument */
export function findHandler(given: string | URL): FoundHandler {
  const name = String(given);
  const builtIn = findBuiltIn(name);
  if (builtIn !== undefined) return builtIn;
  const url =
    given instanceof URL ? given : name.startsWith('file:') ? new URL(name) : pathToFileURL(resolve(name));
  if (url.protocol === OBJECT_PROTOCOL) return { name, url: url.href };
  if (url.protocol !== 'file:' || !existsSync(fileURLToPath(url))) {
    const built = BUILT_IN_HANDLERS.join(', ');
    throw new HubError(
      'ERR_HANDLER_LOAD',
      `handler ${name} does not exist: ${url.href} (built in are ${built})`,
    );
  }
  return { name, url: url.href };
}

/** `echo`, `burn` or `burn:250`. */
function findBuiltIn(name: string): FoundHandler | undefined {
  const [, base = name, argument] = /^([a-z]+):(.*)$/s.exec(name) ?? [];
  if (!(BUILT_IN_HANDLERS as readonly string[]).includes(base)) return undefined;
  const url = new URL(`../../workers/handlers/${base}.js`, import.meta.url);
  if (argument !== undefined) {
    if (base !== 'burn')
      throw new HubError('ERR_HANDLER_LOAD', `the built-in handler ${base} takes no argument`);
    if (!/^[1-9]\d*$/.test(argument) || Number(argument) > MAX_BURN_US) {
      const takes = `takes µs as an integer from 1 to ${MAX_BURN_US}, such as burn:250`;
      throw new HubError(
        'ERR_HANDLER_LOAD',
        `the built-in handler burn got ${describe(argument)} but ${takes}`,
      );
    }
    url.searchParams.set('us', argument);
  }
  const affinity = BUILT_IN_AFFINITY[base];
  return { name, url: url.href, ...(affinity === undefined ? {} : { affinity }) };
}
