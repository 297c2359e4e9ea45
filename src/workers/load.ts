/** Loads a handler in the thread that will run it. */
import { HubError } from '../api/errors.js';
import type { Handler } from '../api/handler.js';
import { handlerObject } from '../util/handler-objects.js';
import { withinRunning } from '../util/within.js';
import type { HandlerSource } from '../wire/worker-task.js';
import { registerTsx } from './dev/tsx.js';
import { explainLoadFailure, handlerIn } from './handler-module.js';

/**
 * @param timeoutMs 0 is no limit
 * @throws HubError `ERR_HANDLER_LOAD` that names the handler and says why
 */
export async function loadHandler(source: HandlerSource, timeoutMs: number): Promise<Handler> {
  const object = handlerObject(source.url);
  if (object !== undefined) return handlerIn({ default: object }, source.name);
  let module: Record<string, unknown>;
  try {
    await registerTsx(source.url);
    const loading = import(source.url);
    if (timeoutMs > 0 && !(await withinRunning(loading, timeoutMs)))
      throw new Error(`its top level did not finish within ${timeoutMs} ms`);
    module = await loading;
  } catch (thrown) {
    throw new HubError(
      'ERR_HANDLER_LOAD',
      `handler ${source.name} cannot be loaded: ${explainLoadFailure(thrown)}`,
      {
        cause: thrown,
      },
    );
  }
  return handlerIn(module, source.name);
}
