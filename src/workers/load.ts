/** Loads a handler in the thread that will run it. */
import { HubError } from '../errors.js';
import type { HandlerSource } from '../wire/lane-task.js';
import type { Handler } from './handler.js';
import { explainLoadFailure, handlerIn } from './handler-module.js';

/** @throws HubError `ERR_HANDLER_LOAD` that names the handler and says why */
export async function loadHandler(source: HandlerSource): Promise<Handler> {
  let module: Record<string, unknown>;
  try {
    module = await import(source.url);
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
