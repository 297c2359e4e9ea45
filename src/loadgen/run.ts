/** A load run: its threads, from their start to the one result. */
import { Worker } from 'node:worker_threads';
import { type LoadOptions, type ResolvedLoadOptions, resolveLoadOptions } from './options.js';
import { createResult, type LoadResult } from './result.js';
import type {
  LoadPhase,
  ThreadNote,
  ThreadOrder,
  ThreadProgress,
  ThreadReport,
  ThreadTask,
} from './thread-messages.js';

/** Between the order to begin and the beginning, so that all threads begin at once. */
const START_DELAY_MS = 20;

/** How far a run is. */
export interface LoadProgress {
  readonly phase: LoadPhase;
  /** Connections that are open, and that there will be. */
  readonly opened: number;
  readonly connections: number;
  /** Of the measured part, in ms. */
  readonly elapsedMs: number;
  readonly durationMs: number;
  /** Echoes in the measured part so far. */
  readonly messages: number;
}

export interface LoadHooks {
  /** Called a few times a second. */
  onProgress?(progress: LoadProgress): void;
  /** Ends the run early: the result is what was measured so far, and what is in flight is not lost. */
  signal?: AbortSignal;
}

/**
 * Sends messages to an echo service and checks every echo: that it comes, once, in order and as it was sent.
 * A server that is wrong does not reject: it is counted in `errors`. A connection that fails or ends breaks
 * off the run.
 *
 * With a `rate` the threads turn instead of sleeping shortly before a message is due: give each a core.
 *
 * @throws HubError `ERR_OPTION` that names each bad option
 */
export async function runLoad(options: LoadOptions, hooks: LoadHooks = {}): Promise<LoadResult> {
  const resolved = resolveLoadOptions(options);
  const run = new LoadRun(resolved, hooks);
  const stop = () => run.stop();
  hooks.signal?.addEventListener('abort', stop);
  try {
    if (hooks.signal?.aborted) stop();
    return createResult(resolved, await run.reports());
  } finally {
    hooks.signal?.removeEventListener('abort', stop);
    await run.end();
  }
}

class LoadRun {
  readonly #options: ResolvedLoadOptions;
  readonly #hooks: LoadHooks;
  readonly #workers: Worker[];
  readonly #progress: ThreadProgress[] = [];
  #notReady: number;

  constructor(options: ResolvedLoadOptions, hooks: LoadHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#workers = shareOut(options).map(
      (task) => new Worker(new URL('./thread.js', import.meta.url), { workerData: task }),
    );
    this.#notReady = this.#workers.length;
  }

  /** The report of every thread. */
  reports(): Promise<ThreadReport[]> {
    return Promise.all(this.#workers.map((worker, index) => this.#follow(worker, index)));
  }

  stop(): void {
    this.#order({ stop: true });
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #follow(worker: Worker, index: number): Promise<ThreadReport> {
    return new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`a load thread ended with exit code ${code}`)));
      worker.on('message', (note: ThreadNote) => {
        if (note.kind === 'done') resolve(note.report);
        else if (note.kind === 'broken') this.stop();
        else if (note.kind === 'progress') this.#onProgress(index, note.progress);
        else if (--this.#notReady === 0) {
          this.#order({ startAt: performance.timeOrigin + performance.now() + START_DELAY_MS });
        }
      });
    });
  }

  #order(order: ThreadOrder): void {
    for (const worker of this.#workers) worker.postMessage(order);
  }

  #onProgress(index: number, progress: ThreadProgress): void {
    this.#progress[index] = progress;
    if (this.#hooks.onProgress === undefined) return;
    const known = this.#progress.filter((each) => each !== undefined);
    const { connections, durationMs } = this.#options;
    this.#hooks.onProgress({
      phase: progress.phase,
      opened: known.reduce((total, { opened }) => total + opened, 0),
      connections,
      elapsedMs: progress.elapsedMs,
      durationMs,
      messages: known.reduce((total, { messages }) => total + messages, 0),
    });
  }
}

/** The tasks of the threads: equal shares of the connections, none without one. */
function shareOut(options: ResolvedLoadOptions): ThreadTask[] {
  const { connections } = options;
  const threads = Math.min(options.threads, connections);
  const startOf = (index: number) => Math.floor((index * connections) / threads);
  return Array.from({ length: threads }, (_, index) => ({
    options,
    firstId: startOf(index),
    connections: startOf(index + 1) - startOf(index),
  }));
}
