/**
 * Worker links on Piscina, and the only file that imports it: one pool with one thread for each life of a shard's worker.
 *
 * The worker's life is one Piscina task, through which batches stream: a `run()` per batch costs half as much CPU
 * again as ringing a running task’s doorbell. The pool loads the code, starts the thread, ends a runaway one
 * (an aborted signal terminates the thread) and reports how it ended. What it does not report, the thread's own events tell:
 * that one died before its task had begun. A thread in native code cannot be ended: it is left behind.
 */
import type { EventLoopUtilization } from 'node:perf_hooks';
import { env as processEnv } from 'node:process';
import { Piscina } from 'piscina';
import { type ErrorRecord, HubError, type HubErrorCode, toErrorRecord } from '../../api/errors.js';
import { within } from '../../util/within.js';
import type { WorkerMemory } from '../../wire/layout.js';
import * as Word from '../../wire/word.js';
import {
  type DoorbellMessage,
  END,
  type HandlerHooks,
  type HandlerSource,
  namesOf,
  OVER_MEMORY,
  type Port,
  PROBE,
  type RuntimeSettings,
  SUSPEND,
  type Suspended,
  type WorkerReady,
  type WorkerTask,
  type WorkerTaskResult,
} from '../../wire/worker-task.js';
import type { HandOverLink, Loaded, WorkerLink, WorkerLinkEvents } from '../dispatch/worker-link.js';
import { countAbandoned } from './abandoned.js';
import { LoopProbe } from './loop-probe.js';
import { takeOutput } from './worker-output.js';

const ENTRY = new URL('../../workers/entry.js', import.meta.url).href;

/** A thread that is to end gets so long (measured: 3 to 20 ms on an idle machine); then it is in native code. */
const END_MS = 500;
/**
 * One that still comes up is not ended before it has, which takes longer. One whose task has ended is in no native code: where
 * other programs have the cores it may just be late.
 */
const PATIENT_END_MS = 5000;

type Worker = Piscina['threads'][number];

type End = { readonly result: WorkerTaskResult } | { readonly thrown: unknown };

/**
 * V8's own limit, in multiples of what a worker may keep. What doubles in one allocation, such as a Map, needs three times
 * as much for a moment.
 */
const HEAP_HEADROOM = 4;

/** What a worker runs, and how its thread is made. */
export interface WorkerSetup {
  /** Counts the versions of a hub, from 1. */
  readonly generation: number;
  readonly handlers: readonly HandlerSource[];
  readonly settings: RuntimeSettings;
  /** Variables beside those of the process; flags of Node.js instead of its own. */
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly execArgv: readonly string[] | undefined;
  /** Where the first shard's thread is to have an inspector; the next one is that of the second. 0 is any. */
  readonly inspectorPort: number | undefined;
}

export interface PiscinaLinkHost {
  /** The thread could not be ended, and is left behind. */
  onAbandoned(): void;
  onOutputDropped(): void;
}

export class PiscinaLink implements WorkerLink {
  readonly loaded: Loaded;
  readonly #shard: number;
  readonly #setup: WorkerSetup;
  readonly #host: PiscinaLinkHost;
  readonly #pool: Piscina;
  readonly #probe = new LoopProbe();
  readonly #abort = new AbortController();
  #doorbell: Port | undefined;
  #ended: Promise<void> = Promise.resolve();
  #killedFor: { readonly reason: string; readonly code: HubErrorCode } | undefined;
  /** What nobody caught in the thread: what Piscina rejects a run with may be of its own. */
  #uncaught: ErrorRecord | undefined;
  /** True from when its thread was left behind until that has ended. */
  isAbandoned = false;
  #onSuspended: (suspended: Suspended) => void = () => {};
  readonly handOver: HandOverLink = {
    suspend: () =>
      new Promise((resolve) => {
        this.#onSuspended = resolve;
        this.#doorbell?.postMessage(SUSPEND);
      }),
    begin: (state, begin) => this.#doorbell?.postMessage({ begin, state }),
    end: () => this.#doorbell?.postMessage(END),
    note: (note, slot, generation, payload) =>
      this.#doorbell?.postMessage({ note, slot, generation, payload }),
  };

  constructor(shard: number, setup: WorkerSetup, host: PiscinaLinkHost) {
    this.#shard = shard;
    this.#setup = setup;
    this.loaded = { generation: setup.generation, handler: namesOf(setup.handlers) };
    this.#host = host;
    const { env, execArgv } = setup;
    const { workerMemoryMb } = setup.settings;
    this.#pool = new Piscina({
      filename: ENTRY,
      minThreads: 0,
      maxThreads: 1,
      // The default blocks an idle worker's event loop.
      atomics: 'disabled',
      recordTiming: false,
      ...(env !== undefined && { env: { ...processEnv, ...env } }),
      ...(execArgv !== undefined && { execArgv: [...execArgv] }),
      ...(workerMemoryMb > 0 && {
        resourceLimits: { maxOldGenerationSizeMb: HEAP_HEADROOM * workerMemoryMb },
      }),
    });
  }

  start(memory: WorkerMemory, events: WorkerLinkEvents, isStandby: boolean): Promise<HandlerHooks> {
    // A thread that fails when its task has ended already concerns nobody, but would end the process.
    this.#pool.on('error', () => {});
    const doorbell = new MessageChannel();
    this.#doorbell = doorbell.port1;
    const { inspectorPort } = this.#setup;
    const task: WorkerTask = {
      shard: this.#shard,
      memory,
      handlers: this.#setup.handlers,
      settings: this.#setup.settings,
      doorbell: doorbell.port2,
      isStandby,
      inspectorPort: inspectorPort ? inspectorPort + this.#shard : inspectorPort,
    };
    const run: Promise<WorkerTaskResult> = this.#run(task, doorbell.port2);
    const thread = this.#pool.threads[0];
    let failure: unknown;
    if (thread !== undefined) takeOutput(thread, () => this.#host.onOutputDropped());
    thread?.once('error', (error: unknown) => {
      failure = error;
      const record = toErrorRecord(error);
      // Its stack is this thread's.
      if (record.code !== 'ERR_WORKER_OUT_OF_MEMORY') this.#uncaught = record;
    });
    // A run that is rejected says so before its thread has ended, and may write to memory until then.
    const exited = new Promise<void>((resolve) => {
      if (thread === undefined) resolve();
      else thread.once('exit', () => resolve());
    });
    const end = new Promise<End>((resolve) => {
      run.then(
        (result) => resolve({ result }),
        (thrown: unknown) => resolve({ thrown }),
      );
      // The pool does not tell of a thread that dies before it takes its task.
      thread?.once('exit', (code: number) =>
        resolve({ thrown: failure ?? new Error(`worker exited with code: ${code}`) }),
      );
    });
    return new Promise<HandlerHooks>((resolve, reject) => {
      doorbell.port1.on('message', (message: WorkerReady | DoorbellMessage) => {
        if (message === null) events.onDoorbell();
        else if (message === PROBE) this.#probe.onAnswer();
        else if (message === OVER_MEMORY) void this.kill(this.#overMemory());
        else if (typeof message !== 'object') return;
        else if ('suspended' in message) this.#onSuspended(message);
        else if ('ready' in message) resolve(message.hooks);
      });
      this.#ended = end.then(async (how) => {
        if ('result' in how) void this.#pool.destroy();
        const hasBegun = Atomics.load(new Int32Array(memory.control), Word.Steps) > 0;
        const endMs = hasBegun && 'thrown' in how ? END_MS : PATIENT_END_MS;
        if (!(await within(exited, endMs))) this.#leaveBehind(thread!, exited);
        doorbell.port1.close();
        const exit = this.#explain(how);
        reject(exit.error);
        const error = this.#uncaught === undefined ? {} : { error: this.#uncaught };
        events.onExit({ expected: exit.expected, reason: exit.error.message, ...error });
      });
    });
  }

  /** Never throws: a thread that cannot even be made is one that died. */
  async #run(task: WorkerTask, doorbell: Port): Promise<WorkerTaskResult> {
    return this.#pool.run(task, { transferList: [doorbell] as never, signal: this.#abort.signal });
  }

  #leaveBehind(thread: Worker, exited: Promise<void>): void {
    this.isAbandoned = true;
    // The pool took hold of it when it closed its port: it must not keep the event loop alive.
    thread.unref();
    countAbandoned(exited);
    void exited.then(() => {
      this.isAbandoned = false;
    });
    this.#host.onAbandoned();
  }

  notify(): void {
    this.#doorbell?.postMessage(null);
  }

  /** Asks the thread for a sign of life. */
  probe(): void {
    if (this.#probe.start()) this.#doorbell?.postMessage(PROBE);
  }

  /** Milliseconds that it took, or has been taking, to answer the last probe; undefined when there was none. */
  loopDelayMs(): number | undefined {
    return this.#probe.delayMs();
  }

  /** How busy the thread's event loop has been. */
  utilization(): EventLoopUtilization | undefined {
    return this.#pool.threads[0]?.performance.eventLoopUtilization();
  }

  /** As Node.js counts threads; undefined while there is none. */
  get threadId(): number | undefined {
    return this.#pool.threads[0]?.threadId;
  }

  async kill(reason: string, code: HubErrorCode = 'ERR_WORKER'): Promise<void> {
    this.#killedFor ??= { reason, code };
    // Of a thread that could not be made the pool still has the task, and would reject it where nobody looks.
    if (this.#pool.threads.length > 0) this.#abort.abort();
    await this.#ended;
  }

  finished(): Promise<void> {
    return this.#ended;
  }

  #overMemory(): string {
    return `it kept more memory than workerMemoryMb (${this.#setup.settings.workerMemoryMb} MiB)`;
  }

  #explain(end: End): { expected: boolean; error: HubError } {
    if ('result' in end) {
      if ('stopped' in end.result) return { expected: true, error: new HubError('ERR_WORKER', 'stopped') };
      const { failure } = end.result;
      const error = new HubError('ERR_HANDLER_LOAD', failure.message);
      if (failure.stack !== undefined) error.stack = failure.stack;
      return { expected: false, error };
    }
    const cause = end.thrown;
    const { reason, code } = this.#killedFor ?? { reason: toErrorRecord(cause).message, code: 'ERR_WORKER' };
    const message = code === 'ERR_WORKER' ? `worker ${this.#shard} ended: ${reason}` : reason;
    return { expected: false, error: new HubError(code, message, { cause }) };
  }
}
