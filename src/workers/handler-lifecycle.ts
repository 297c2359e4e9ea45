/**
 * A handler's life in one worker: `start` before its first connection, `stop` after its last message; and what it hands over
 * to the worker that takes its place.
 */
import { HubError, toErrorRecord } from '../api/errors.js';
import type { Handler, WorkerContext } from '../api/handler.js';
import type { HandlerLog } from '../api/logger.js';
import { withinRunning } from '../util/within.js';
import type { HandlerSource } from '../wire/worker-task.js';
import type { Access } from './access/hub-access.js';

export interface LifecycleSettings {
  readonly shard: number;
  readonly workers: number;
  /** 0 is no limit. */
  readonly handlerTimeoutMs: number;
  readonly log: HandlerLog;
}

export class HandlerLifecycle {
  readonly #handler: Handler;
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #abort = new AbortController();
  readonly #worker: WorkerContext;
  #suspending = new AbortController();

  constructor(
    handler: Handler,
    source: HandlerSource,
    { shard, workers, handlerTimeoutMs, log }: LifecycleSettings,
    access: Access,
  ) {
    this.#handler = handler;
    this.#name = source.name;
    this.#timeoutMs = handlerTimeoutMs;
    // Methods that can be taken from it.
    const { publish, history, presence, presenceStats, sendToUser, disconnectUser } = access;
    const methods = { publish, history, presence, presenceStats, sendToUser, disconnectUser };
    for (const [name, method] of Object.entries(methods))
      Object.assign(methods, { [name]: (method as () => unknown).bind(access) });
    const suspending = () => this.#suspending.signal;
    this.#worker = Object.freeze({
      shard,
      workers,
      options: source.options,
      signal: this.#abort.signal,
      ...methods,
      get suspending() {
        return suspending();
      },
      log,
    });
  }

  /** @throws HubError `ERR_HANDLER_LOAD` when `start` throws, rejects or takes too long */
  async start(): Promise<void> {
    const handler = this.#handler;
    try {
      await this.#inTime('start', () => handler.start?.(this.#worker));
    } catch (thrown) {
      const why = `its start failed: ${toErrorRecord(thrown).message}`;
      throw new HubError('ERR_HANDLER_LOAD', `handler ${this.#name} cannot be used: ${why}`, {
        cause: thrown,
      });
    }
  }

  /** @param onFailure gets what `stop` threw, or a HubError `ERR_HANDLER_TIMEOUT` */
  async stop(onFailure: (thrown: unknown) => void): Promise<void> {
    const handler = this.#handler;
    try {
      this.#abort.abort();
      await this.#inTime('stop', () => handler.stop?.(this.#worker));
    } catch (thrown) {
      onFailure(thrown);
    }
  }

  /** Another worker is going to take over: what goes on without end is told. */
  announce(): void {
    this.#suspending.abort();
  }

  /** @throws whatever `suspendWorker` throws */
  suspend(): unknown {
    return this.#handler.suspendWorker?.(this.#worker);
  }

  /** @param onFailure gets what `resumeWorker` threw, or a HubError `ERR_HANDLER_TIMEOUT` */
  async resume(value: unknown, onFailure: (thrown: unknown) => void): Promise<void> {
    // It may have suspended before: the version that took over has gone back.
    this.#suspending = new AbortController();
    const handler = this.#handler;
    if (value === undefined) return;
    try {
      await this.#inTime('resumeWorker', () => handler.resumeWorker?.(this.#worker, value));
    } catch (thrown) {
      onFailure(thrown);
    }
  }

  async #inTime(hook: string, run: () => unknown): Promise<void> {
    const done = Promise.resolve(run());
    if (this.#timeoutMs === 0) {
      await done;
      return;
    }
    if (await withinRunning(done, this.#timeoutMs)) return;
    throw new HubError('ERR_HANDLER_TIMEOUT', `${hook} did not finish within ${this.#timeoutMs} ms`);
  }
}
