/** What workers are started with: a version of the handlers, and how they are treated. */
import { url as inspectorUrl } from 'node:inspector';
import type { ResolvedOptions } from '../../options/options.js';
import type { Log } from '../../telemetry/log.js';
import { type HandlerSource, loadTimeoutMs } from '../../wire/worker-task.js';
import type { WorkerSetup } from './piscina-links.js';

/** That of Node.js. */
const DEFAULT_INSPECTOR_PORT = 9229;

export type Version = WorkerSetup;

export function firstVersion(
  handlers: readonly HandlerSource[],
  options: ResolvedOptions,
  spinGate: Int32Array,
  log: Log,
): Version {
  const { workers, reloadTimeoutMs, onHandlerError, workerMemoryMb, workerEnv, workerExecArgv } = options;
  const inspectorPort = inspectorPortOf(options);
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
    // A hook that a debugger holds is not late.
    handlerTimeoutMs: inspectorPort === undefined ? options.handlerTimeoutMs : 0,
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
    logLevels: log.levels,
  };
  return { generation: 1, handlers, settings, env: workerEnv, execArgv: workerExecArgv, inspectorPort };
}

/** Undefined without inspectors. */
function inspectorPortOf({ inspectWorkers }: ResolvedOptions): number | undefined {
  if (inspectWorkers === false) return undefined;
  return inspectWorkers === true ? DEFAULT_INSPECTOR_PORT : inspectWorkers;
}

/** A debugger may hold a hook: what does not finish is not late. */
export function mayBeHeld({ inspectorPort }: Version): boolean {
  return inspectorPort !== undefined || inspectorUrl() !== undefined;
}

/** Beside what the handlers take: a thread's own start (measured: 40 to 80 ms on an idle machine). */
const BOOT_MS = 5000;

/** A thread that stands by, and that nobody watches for loops, is ready after so long or is ended; 0 is no limit. */
export function readyTimeoutMs({ handlers, settings }: Version): number {
  const { handlerTimeoutMs } = settings;
  if (handlerTimeoutMs === 0) return 0;
  return BOOT_MS + loadTimeoutMs(handlerTimeoutMs) + handlers.length * handlerTimeoutMs;
}
