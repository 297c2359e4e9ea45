/**
 * Lanes on Piscina, and the only file that imports it: one pool with one thread for each life of a shard's worker.
 *
 * The worker's life is one Piscina task, through which batches stream: a `run()` per batch costs half as much CPU
 * again as ringing a running task's bell. The pool loads the code, starts the thread, ends a runaway one
 * (an aborted signal terminates the thread) and reports how it ended.
 */
import { Piscina } from 'piscina';
import { type ErrorRecord, HubError, toErrorRecord } from '../errors.js';
import {
  type BellMessage,
  type HandlerHooks,
  type HandlerSource,
  type LaneReady,
  type LaneResult,
  type LaneTask,
  type Port,
  PROBE,
  type RuntimeSettings,
} from '../wire/lane-task.js';
import type { LaneMemory } from '../wire/layout.js';
import type { Lane, LaneEvents } from './lane.js';
import { LoopProbe } from './loop-probe.js';

const ENTRY = new URL('../workers/entry.js', import.meta.url).href;

/** Limits of a worker's heap, as `worker_threads` takes them. */
export interface ResourceLimits {
  readonly maxOldGenerationSizeMb?: number;
}

export class PiscinaLane implements Lane {
  readonly #shard: number;
  readonly #handlers: readonly HandlerSource[];
  readonly #settings: RuntimeSettings;
  readonly #pool: Piscina;
  readonly #probe = new LoopProbe();
  readonly #abort = new AbortController();
  #bell: Port | undefined;
  #ended: Promise<void> = Promise.resolve();
  #killedFor: string | undefined;
  /** What nobody caught in the thread: what Piscina rejects a run with may be of its own. */
  #uncaught: ErrorRecord | undefined;

  constructor(
    shard: number,
    handlers: readonly HandlerSource[],
    settings: RuntimeSettings,
    resourceLimits?: ResourceLimits,
  ) {
    this.#shard = shard;
    this.#handlers = handlers;
    this.#settings = settings;
    this.#pool = new Piscina({
      filename: ENTRY,
      minThreads: 0,
      maxThreads: 1,
      // The default blocks an idle worker's event loop.
      atomics: 'disabled',
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
  }

  start(memory: LaneMemory, events: LaneEvents): Promise<HandlerHooks> {
    // A thread that fails when its task has ended already concerns nobody, but would end the process.
    this.#pool.on('error', () => {});
    const bell = new MessageChannel();
    this.#bell = bell.port1;
    const task: LaneTask = {
      shard: this.#shard,
      memory,
      handlers: this.#handlers,
      settings: this.#settings,
      bell: bell.port2,
    };
    const run: Promise<LaneResult> = this.#pool.run(task, {
      transferList: [bell.port2] as never,
      signal: this.#abort.signal,
    });
    // A run that is rejected says so before its thread has ended, and may write to memory until then.
    const thread = this.#pool.threads[0];
    thread?.once('error', (error: unknown) => {
      const record = toErrorRecord(error);
      // Its stack is this thread's.
      if (record.code !== 'ERR_WORKER_OUT_OF_MEMORY') this.#uncaught = record;
    });
    const exited = new Promise<void>((resolve) => {
      if (thread === undefined) resolve();
      else thread.once('exit', () => resolve());
    });
    const outcome = run.then(
      (result) => ({ result }),
      (thrown: unknown) => ({ thrown }),
    );
    const ready = new Promise<HandlerHooks>((resolve, reject) => {
      bell.port1.on('message', (message: LaneReady | BellMessage) => {
        if (message === null) events.onBell();
        else if (message === PROBE) this.#probe.onAnswer();
        else resolve(message.hooks);
      });
      this.#ended = outcome.then(async (end) => {
        if ('result' in end) await this.#pool.destroy();
        else await exited;
        bell.port1.close();
        const exit = this.#explain(end);
        reject(exit.error);
        const error = this.#uncaught === undefined ? {} : { error: this.#uncaught };
        events.onExit({ expected: exit.expected, reason: exit.error.message, ...error });
      });
    });
    return ready;
  }

  ring(): void {
    this.#bell?.postMessage(null);
  }

  /** Asks the thread for a sign of life. */
  probe(): void {
    if (this.#probe.start()) this.#bell?.postMessage(PROBE);
  }

  /** Milliseconds that it took, or has been taking, to answer the last probe; undefined when there was none. */
  loopDelayMs(): number | undefined {
    return this.#probe.delayMs();
  }

  async kill(reason: string): Promise<void> {
    this.#killedFor ??= reason;
    this.#abort.abort();
    await this.#ended;
  }

  finished(): Promise<void> {
    return this.#ended;
  }

  #explain(end: { result: LaneResult } | { thrown: unknown }): { expected: boolean; error: HubError } {
    if ('result' in end) {
      if ('stopped' in end.result) return { expected: true, error: new HubError('ERR_WORKER', 'stopped') };
      const { failure } = end.result;
      const error = new HubError('ERR_HANDLER_LOAD', failure.message);
      if (failure.stack !== undefined) error.stack = failure.stack;
      return { expected: false, error };
    }
    const reason = this.#killedFor ?? toErrorRecord(end.thrown).message;
    return {
      expected: false,
      error: new HubError('ERR_WORKER', `worker ${this.#shard} ended: ${reason}`, { cause: end.thrown }),
    };
  }
}
