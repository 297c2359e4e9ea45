/**
 * What a worker does before another one takes its place: it finishes what has begun, asks its handlers what they keep of each
 * connection and of the worker, and lets go of its connections. Worker thread.
 */
import { HubError, toErrorRecord } from '../../api/errors.js';
import { within } from '../../util/within.js';
import * as Reply from '../../wire/reply-kind.js';
import { Luggage } from '../../wire/request.js';
import type { ConnectionContext } from '../context.js';
import type { Handlers } from '../handlers.js';
import type { Runtime } from '../runtime.js';

/**
 * @param timeoutMs what has begun gets so long, and so do the hooks that suspend
 * @returns what the worker keeps for its successor
 */
export async function suspendAll(
  runtime: Runtime,
  handlers: Handlers,
  timeoutMs: number,
): Promise<Uint8Array | undefined> {
  handlers.announce();
  await runtime.finishAll(timeoutMs);
  const luggage = new Luggage();
  let state: Uint8Array | undefined;
  const suspending = (async () => {
    await Promise.all(runtime.contexts.map((context) => suspendOne(runtime, context, luggage)));
    state = await handlers.suspend(luggage, (thrown) => runtime.report(explain('suspendWorker', thrown)));
  })();
  if (!(await within(suspending, timeoutMs))) {
    const text = `suspend did not finish within ${timeoutMs} ms`;
    runtime.report(new HubError('ERR_HANDLER_TIMEOUT', text));
  }
  for (const context of runtime.contexts) context.end();
  return state;
}

/** A connection whose value cannot be had is introduced to the next worker as after a crash, by `open`. */
async function suspendOne(runtime: Runtime, context: ConnectionContext, luggage: Luggage): Promise<void> {
  const { handler } = context;
  if (handler.suspend === undefined) return;
  try {
    const value = await handler.suspend(context);
    // Its time may have been over before.
    if (value !== undefined && !context.ended)
      runtime.post(context, Reply.Suspended, luggage.pack(value, 'suspend'));
  } catch (thrown) {
    runtime.report(explain('suspend', thrown));
  }
}

function explain(hook: string, thrown: unknown): unknown {
  if (thrown instanceof HubError) return thrown;
  return new HubError('ERR_WORKER', `${hook} failed: ${toErrorRecord(thrown).message}`, { cause: thrown });
}
