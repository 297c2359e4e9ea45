/** The worker link of `workers: 0`: the same runtime on the I/O thread. */
import { HubError } from '../../api/errors.js';
import type { WorkerMemory } from '../../wire/layout.js';
import {
  type HandlerHooks,
  type HandlerSource,
  type LocalRuntime,
  type LocalRuntimeModule,
  namesOf,
  type RuntimeSettings,
} from '../../wire/worker-task.js';
import type { Loaded, WorkerLink, WorkerLinkEvents } from '../dispatch/worker-link.js';

/** The runtime's module by its URL: the hub's code does not depend on the workers' code. */
const LOCAL = new URL('../../workers/local.js', import.meta.url).href;

export class LocalLink implements WorkerLink {
  readonly loaded: Loaded;
  readonly isAbandoned = false;
  readonly #handlers: readonly HandlerSource[];
  readonly #settings: RuntimeSettings;
  #runtime: LocalRuntime | undefined;
  #onEnd: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => {
    this.#onEnd = resolve;
  });

  constructor(handlers: readonly HandlerSource[], settings: RuntimeSettings) {
    this.#handlers = handlers;
    this.loaded = { generation: 1, handler: namesOf(handlers) };
    this.#settings = settings;
  }

  async start(memory: WorkerMemory, events: WorkerLinkEvents): Promise<HandlerHooks> {
    const { startLocalRuntime }: LocalRuntimeModule = await import(LOCAL);
    const runtime = await startLocalRuntime(memory, this.#handlers, this.#settings, events);
    this.#runtime = runtime;
    void runtime.stopped.then(() => this.#end(events));
    return runtime.hooks;
  }

  notify(): void {
    if (this.#runtime === undefined)
      throw new HubError('ERR_HUB_STATE', 'the local worker link has not started');
    this.#runtime.wake();
  }

  /** There is no thread to end: the runtime is left alone from here on. */
  async kill(): Promise<void> {
    this.#onEnd();
  }

  finished(): Promise<void> {
    return this.#ended;
  }

  #end(events: WorkerLinkEvents): void {
    this.#onEnd();
    events.onExit({ expected: true, reason: 'stopped' });
  }
}
