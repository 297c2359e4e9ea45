/** Loads a handler in the thread that will run it. */
import { HubError, toErrorRecord } from '../errors.js';
import type { HandlerSource } from '../wire/lane-task.js';
import { explainBadHandler, type Handler } from './handler.js';

/** @throws HubError `ERR_HANDLER_LOAD` that names the handler and says why */
export async function loadHandler(source: HandlerSource): Promise<Handler> {
  let module: { default?: unknown };
  try {
    module = await import(source.url);
  } catch (thrown) {
    throw new HubError(
      'ERR_HANDLER_LOAD',
      `handler ${source.name} cannot be loaded: ${toErrorRecord(thrown).message}`,
      {
        cause: thrown,
      },
    );
  }
  const problem = explainBadHandler(module.default);
  if (problem !== undefined) {
    throw new HubError('ERR_HANDLER_LOAD', `handler ${source.name} cannot be used: ${problem}`);
  }
  return module.default as Handler;
}
