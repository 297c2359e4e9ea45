/** A handler around the one that is tested: it ends its thread where the test says. Worker thread. */
import { exit, nextTick } from 'node:process';
import type { Connection, Handler, Message, ReplyValue, WorkerContext } from '../api/handler.js';
import { handlerIn } from '../workers/handler-module.js';
import type { FaultyOptions, WorkerFault } from './worker-fault.js';

type How = WorkerFault['how'];

/** Told from the exit codes of others. */
const EXIT_CODE = 86;

let inner: Handler;
let shard: number;
let faults: readonly WorkerFault[];
let counts: Int32Array;

const faulty: Handler<unknown, unknown, FaultyOptions> = {
  async start(worker) {
    const { url, options, faults: all, counts: memory } = worker.options;
    inner = handlerIn(await import(url), url);
    shard = worker.shard;
    faults = all.filter((fault) => fault.shard === shard);
    counts = new Int32Array(memory);
    await inner.start?.({ ...worker, options } as WorkerContext);
  },
  stop: (worker) => inner.stop?.({ ...worker, options: worker.options.options } as WorkerContext),
  open: (connection) => inner.open?.(connection),
  message(connection: Connection, message: Message) {
    const number = Atomics.add(counts, shard, 1) + 1;
    const inside = faults.find((fault) => fault.when === 'inside' && fault.message === number);
    if (inside !== undefined) return endNow(inside.how);
    const result = inner.message?.(connection, message);
    const behind = faults.find(
      ({ when, message: at }) => when !== 'inside' && at - Number(when === 'before') === number,
    );
    return behind === undefined ? result : endBehind(result, behind.how);
  },
  close: (connection, code, reason) => inner.close?.(connection, code, reason),
};
export default faulty;

/** Inside of a hook, which never finishes. */
function endNow(how: How): Promise<never> {
  if (how !== 'uncaught') end(how);
  nextTick(end, how);
  return new Promise(() => {});
}

/**
 * Once the result is committed, and before the next message begins: while a promise is waited for, the runtime lets the
 * microtasks run, and begins in the tick behind the one that is asked for here.
 */
function endBehind(result: ReplyValue | Promise<ReplyValue>, how: How): Promise<ReplyValue> {
  let isSettled = false;
  const settled = Promise.resolve(result).then((value) => {
    isSettled = true;
    queueMicrotask(() => nextTick(end, how));
    return value;
  });
  queueMicrotask(() => nextTick(() => isSettled && end(how)));
  return settled as Promise<ReplyValue>;
}

function end(how: How): void {
  if (how === 'exit') exit(EXIT_CODE);
  if (how === 'uncaught') throw new Error('a fault of the test: nobody catches this');
  for (;;);
}
