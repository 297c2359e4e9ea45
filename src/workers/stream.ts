/**
 * Sends the items of an iterable, no faster than its connection's peer takes them. The first item waits for nothing, as
 * if it had been returned by itself.
 */
import { describeReturned } from '../api/errors.js';
import { isThenable } from '../util/thenable.js';
import type { Invocation } from './invocation.js';

/** So long items are taken in one go; then other connections have their turn. Looked at after so many items. */
const BURST_MS = 5;
const BURST_ITEMS = 16;

/** What a stream needs of whoever sends. */
export interface StreamHost {
  /** True when an item may be sent, or kept until its turn. */
  maySendItem(invocation: Invocation): boolean;
  /** Resolves when `maySendItem` is to be asked again. */
  awaitCredit(invocation: Invocation): Promise<void>;
  /** The hook's time starts anew: for the next item. */
  renewDeadline(invocation: Invocation): void;
  /** @throws HubError when the item cannot be sent */
  sendItem(invocation: Invocation, item: unknown): void;
}

/** An item that was taken and has to wait. So the end is known at once, and needs nobody to wait. */
export interface Pending {
  readonly item: unknown;
}

/**
 * Sends items for as long as nobody has to wait.
 *
 * @param send throws when an item cannot be sent
 * @returns undefined when those were all
 */
export function pumpNow(
  items: Iterator<unknown>,
  maySend: () => boolean,
  send: (item: unknown) => void,
): Pending | undefined {
  const start = performance.now();
  for (let count = 1; ; count++) {
    const { done, value } = checkResult(items.next());
    if (done) return undefined;
    const isLong = count % BURST_ITEMS === 0 && performance.now() - start > BURST_MS;
    if (isLong || (count > 1 && !maySend())) return { item: value };
    try {
      send(value);
    } catch (error) {
      try {
        items.return?.();
      } catch {
        // Why the item could not be sent is what is told.
      }
      throw error;
    }
  }
}

/** @throws TypeError as the language does: the parts of what is no object would be an item without end */
function checkResult<T>(result: T): T {
  if (typeof result === 'object' && result !== null && !isThenable(result)) return result;
  throw new TypeError(`an iterator's next() returned ${describeReturned(result)} but is to return an object`);
}

/** Sends all items, or those until its connection is over: the iterator is told then, and waited for. */
export async function pump(
  host: StreamHost,
  invocation: Invocation,
  items: Iterator<unknown> | AsyncIterator<unknown>,
  first?: Pending,
): Promise<undefined> {
  const { context } = invocation;
  const isOver = () => invocation.isOver || context.isOver;
  let isPending = false;
  let hasSent = first !== undefined;
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    await items.return?.();
  };
  // Ends a wait for the next item.
  const onOver = (): void => {
    if (!isPending) return;
    ending ??= end();
    ending.catch(() => {});
  };
  const settle = async (result: PromiseLike<IteratorResult<unknown>>) => {
    isPending = true;
    try {
      return await result;
    } finally {
      isPending = false;
    }
  };
  const send = async (item: unknown): Promise<void> => {
    while (hasSent && !isOver() && !host.maySendItem(invocation)) await host.awaitCredit(invocation);
    if (isOver()) return;
    hasSent = true;
    try {
      host.sendItem(invocation, item);
    } catch (error) {
      await end().catch(() => {});
      throw error;
    }
  };
  let burst = performance.now();
  context.watch(onOver);
  try {
    if (first !== undefined) await send(first.item);
    for (let count = 1; !isOver(); count++) {
      if (count % BURST_ITEMS === 0 && performance.now() - burst > BURST_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        burst = performance.now();
      }
      host.renewDeadline(invocation);
      const result = items.next();
      const { done, value } = isThenable(result) ? checkResult(await settle(result)) : checkResult(result);
      if (done) return undefined;
      if (value !== undefined) await send(value);
    }
  } finally {
    context.unwatch(onOver);
  }
  await (ending ?? end());
  return undefined;
}
