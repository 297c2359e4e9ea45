/** Workers are replaced on demand, while the hub runs: what may be asked for, and what is told of it. I/O thread. */
import { EventEmitter } from 'node:events';
import { HubError, toErrorRecord } from '../api/errors.js';
import type { HubEvents, ReloadEvent } from '../api/events.js';
import type { HandlerInfo, ReloadOptions, ReloadResult } from '../api/reload.js';
import { checkReload, checkWorkers } from '../options/reload.js';
import type { Counters } from '../telemetry/counters.js';
import type { Emitter } from '../telemetry/emitter.js';
import type { Log } from '../telemetry/log.js';
import type { Routes } from './admission/routes.js';
import type { ConnectionManager } from './connection-manager.js';
import type { WorkersReport } from './pool/workers.js';

/** What it needs of the hub's parts. */
export interface WorkerChangesHost {
  readonly connections: ConnectionManager;
  readonly routes: Routes;
  readonly counters: Counters;
  readonly emitter: Emitter;
  readonly log: Log;
}

export class WorkerChanges {
  readonly #parts: WorkerChangesHost;
  readonly #state: () => string;

  constructor(parts: WorkerChangesHost, state: () => string) {
    this.#parts = parts;
    this.#state = state;
  }

  /** @see Hub.reload */
  async reload(options: ReloadOptions): Promise<ReloadResult> {
    const { routes, connections } = this.#parts;
    const { workers } = connections;
    this.#check('reload its handlers');
    const given = checkReload(options, workers.shards);
    const find = () => routes.reloaded(given);
    return this.#change('reload', () => workers.reload(given, find, (handlers) => routes.replace(handlers)));
  }

  /** @see Hub.resize */
  async resize(workers: number): Promise<ReloadResult> {
    checkWorkers(workers);
    this.#check('change the number of its workers');
    return this.#change('resize', () => this.#parts.connections.workers.resize(workers));
  }

  async #change(what: ReloadEvent['what'], work: () => Promise<WorkersReport>): Promise<ReloadResult> {
    const { counters, emitter, log } = this.#parts;
    const since = performance.now();
    try {
      const report = await work();
      const result = { ...report, tookMs: performance.now() - since };
      log.info({ what, ...result }, 'the workers were replaced');
      counters.reloads++;
      emitter.emit('reload', { what, ...result });
      return result;
    } catch (thrown) {
      const error = toErrorRecord(thrown);
      log.error({ what, err: error }, 'the workers stay as they were', error.message);
      counters.reloadsFailed++;
      emitter.emit('reload', { what, error });
      throw thrown;
    }
  }

  #check(what: string): void {
    const state = this.#state();
    if (state !== 'running') throw new HubError('ERR_HUB_STATE', `the hub is ${state}: it cannot ${what}`);
    if (!this.#parts.connections.workers.isLocal) return;
    const why = 'a hub with workers: 0 has no thread to replace';
    throw new HubError('ERR_HUB_STATE', `${why}: it cannot ${what}`);
  }
}

/** What a hub does with its workers while it runs. */
export abstract class ChangingHub<Data> extends EventEmitter<HubEvents<Data>> {
  /** @internal */
  protected abstract readonly parts: {
    readonly changes: WorkerChanges;
    readonly connections: ConnectionManager;
  };

  /**
   * Loads the handlers afresh, with all that they import, and goes over to them without closing a connection: shard by
   * shard, what has begun finishes (up to `reloadTimeoutMs`), what has not waits for the new version. See docs/reload.md.
   * A reload that is called during another one begins when that has ended.
   *
   * @throws HubError `ERR_HANDLER_LOAD` or `ERR_WORKER` when the new version cannot be loaded or does not start, `ERR_RELOAD`
   * when it was taken back (`canary`): every shard has the version of before then. `ERR_ARGUMENT`; `ERR_HUB_STATE` when the
   * hub does not run, or has `workers: 0`
   */
  reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    return this.parts.changes.reload(options);
  }

  /**
   * Goes over to another number of workers without closing a connection: what has begun finishes, as with `reload`, and all
   * shards wait for it at once. Connections keep their ids; those with a key (`affinity`) go where the key is then, of the
   * others as few move as have to. The handlers are loaded afresh.
   *
   * @param workers from 1 to 256
   * @throws HubError as {@link reload}: nothing has changed then
   */
  resize(workers: number): Promise<ReloadResult> {
    return this.parts.changes.resize(workers);
  }

  /** What each shard runs: all the same, but while a reload is going on. */
  handlers(): HandlerInfo[] {
    return this.parts.connections.workers.handlers();
  }
}
