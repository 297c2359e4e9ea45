/** What workers are started with: a version of the handlers, and how they are treated. */
import type { ResolvedOptions } from '../../options/options.js';
import { type HandlerSource, loadTimeoutMs } from '../../wire/worker-task.js';
import type { WorkerSetup } from './piscina-links.js';

export type Version = WorkerSetup;

export function firstVersion(
  handlers: readonly HandlerSource[],
  options: ResolvedOptions,
  spinGate: Int32Array,
): Version {
  const { workers, handlerTimeoutMs, reloadTimeoutMs, onHandlerError, workerMemoryMb } = options;
  const { ordering, maxConcurrent, spin } = options;
  const sendWindow = {
    bytes: Math.min(options.highWaterMark, options.maxQueueBytes),
    // Half of the queue: who waits for room must never overflow it.
    messages: Math.max(1, Math.floor(options.maxQueueMessages / 2)),
  };
  const settings = {
    spin,
    spinGate,
    workers,
    handlerTimeoutMs,
    reloadTimeoutMs,
    onHandlerError,
    workerMemoryMb,
    ordering,
    maxConcurrent,
    sendWindow,
    sharesTopics: options.broker !== undefined || Object.keys(options.topics).length > 0,
    historyTopics: Object.fromEntries(
      Object.entries(options.topics).map(([pattern, { history }]) => [pattern, history !== undefined]),
    ),
  };
  return { generation: 1, handlers, settings, env: options.workerEnv, execArgv: options.workerExecArgv };
}

/** Beside what the handlers take: a thread's own start (measured: 40 to 80 ms on an idle machine). */
const BOOT_MS = 5000;

/** A thread that stands by, and that nobody watches for loops, is ready after so long or is ended; 0 is no limit. */
export function readyTimeoutMs({ handlers, settings }: Version): number {
  const { handlerTimeoutMs } = settings;
  if (handlerTimeoutMs === 0) return 0;
  return BOOT_MS + loadTimeoutMs(handlerTimeoutMs) + handlers.length * handlerTimeoutMs;
}
