/** How many processes, and how many workers in each, when the options leave that open. Pure. */

export interface Plan {
  readonly processes: number;
  /** Of each process. */
  readonly workers: number;
}

/**
 * `auto` makes one process for each I/O thread that the cores can feed: one core for the thread and one for each worker.
 * Handlers take more than sockets, more often than not: without a number of workers, it reckons with so many.
 */
const WORKERS_FOR_AUTO = 3;

/** @param cores that may be used */
export function planProcesses(
  {
    processes = 1,
    workers,
  }: { readonly processes?: number | 'auto' | undefined; readonly workers?: number | undefined },
  cores: number,
): Plan {
  const most = Math.max(1, Math.floor(cores / (1 + (workers ?? WORKERS_FOR_AUTO))));
  const count = processes === 'auto' ? most : processes;
  return { processes: count, workers: workers ?? Math.max(1, Math.floor(cores / count) - 1) };
}
