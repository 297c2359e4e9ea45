/** Sends the items of an iterable, no faster than its connection's peer takes them. */
import type { Job } from './job.js';
import { isThenable } from './reply-value.js';

/** So long items are taken in one go; then other connections have their turn. */
const BURST_MS = 5;

/** What a stream needs of whoever sends. */
export interface StreamHost {
  /** True when the next item may be taken. */
  mayPull(job: Job): boolean;
  /** Resolves when `mayPull` is to be asked again. */
  awaitRoom(job: Job): Promise<void>;
  /** The hook's time starts anew: for the next item. */
  renew(job: Job): void;
  /** @throws HubError when the item cannot be sent */
  sendItem(job: Job, item: unknown): void;
}

/**
 * Sends items for as long as nobody has to wait.
 *
 * @param send throws when an item cannot be sent
 * @returns false when there may be more
 */
export function pumpNow(
  items: Iterator<unknown>,
  mayPull: () => boolean,
  send: (item: unknown) => void,
): boolean {
  const start = performance.now();
  while (mayPull() && performance.now() - start < BURST_MS) {
    const { done, value } = items.next();
    if (done) return true;
    try {
      send(value);
    } catch (error) {
      items.return?.();
      throw error;
    }
  }
  return false;
}

/** Sends all items, or those until its connection is over: the iterator is told then, and waited for. */
export async function pump(
  host: StreamHost,
  job: Job,
  items: Iterator<unknown> | AsyncIterator<unknown>,
): Promise<undefined> {
  const { context } = job;
  const isOver = () => job.isOver || context.isOver;
  let isPending = false;
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
  const next = async (result: PromiseLike<IteratorResult<unknown>>) => {
    isPending = true;
    try {
      return await result;
    } finally {
      isPending = false;
    }
  };
  let burst = performance.now();
  context.watch(onOver);
  try {
    while (!isOver()) {
      if (!host.mayPull(job)) {
        await host.awaitRoom(job);
        burst = performance.now();
      } else if (performance.now() - burst > BURST_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        burst = performance.now();
      } else {
        host.renew(job);
        const result = items.next();
        const { done, value } = isThenable(result) ? await next(result) : result;
        if (done) return undefined;
        if (!isOver()) await sendOrEnd(value);
      }
    }
  } finally {
    context.unwatch(onOver);
  }
  await (ending ?? end());
  return undefined;

  async function sendOrEnd(item: unknown): Promise<void> {
    try {
      host.sendItem(job, item);
    } catch (error) {
      await end().catch(() => {});
      throw error;
    }
  }
}
