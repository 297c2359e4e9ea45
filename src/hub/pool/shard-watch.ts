/** What the watchdog looks at: the worker of one shard, through the words that it shares with it. I/O thread. */
import { WorkerSleep } from '../../wire/doorbell.js';
import * as Word from '../../wire/word.js';
import type { Shard } from '../dispatch/shard.js';
import type { Watched } from './watchdog.js';

/** Why a worker whose hook is in a loop ends. */
export const STUCK = 'a hook did not finish in time';

export interface ShardWatchHost {
  /** How long a thread may be stuck in a hook, and how long while it loads its handlers, in ms. */
  readonly hookMs: number;
  readonly loadMs: number;
  /** The handlers' names, for messages. */
  handlers(): string;
  /** A hook has been stuck for its whole time: its thread is about to be ended. */
  onStuck(shard: Shard): void;
}

export class ShardWatch implements Watched {
  readonly #shard: Shard;
  readonly #host: ShardWatchHost;
  /** Whose worker is being ended for being stuck: it is not found again. */
  #condemned: Int32Array | undefined;
  /** Up to here replies had been committed when the worker last got on. */
  #repliesBefore = 0;

  constructor(shard: Shard, host: ShardWatchHost) {
    this.#shard = shard;
    this.#host = host;
  }

  get allowedMs(): number {
    return this.#isLoading ? this.#host.loadMs : this.#host.hookMs;
  }

  get #isLoading(): boolean {
    return this.#shard.state === 'starting';
  }

  progress(): string | undefined {
    const { state, isBusy } = this.#shard;
    const { control } = this.#shard.worker;
    const steps = Atomics.load(control, Word.Steps);
    // Before its first step, a thread comes up by itself.
    if ((state !== 'up' && !this.#isLoading) || steps === 0 || control === this.#condemned) return undefined;
    // A hook may be in a loop behind an `await`, while the worker counts as asleep: one that is well goes back to sleep.
    if ((isBusy || this.#isLoading) && this.#shard.wake()) return undefined;
    if (Atomics.load(control, Word.WorkerSleep) !== WorkerSleep.Awake) return undefined;
    return `${Atomics.load(control, Word.InTaken)},${steps}`;
  }

  onProgress(): void {
    this.#repliesBefore = Atomics.load(this.#shard.worker.control, Word.OutHead);
  }

  /** True while it waits for room that replies of earlier hooks take. */
  get isHeldUp(): boolean {
    const { control } = this.#shard.worker;
    if (Atomics.load(control, Word.WorkerBlocked) === 0) return false;
    return ((this.#repliesBefore - Atomics.load(control, Word.OutReleased)) | 0) > 0;
  }

  onStuck(): void {
    const { handlers, loadMs } = this.#host;
    this.#condemned = this.#shard.worker.control;
    if (this.#isLoading) {
      const reason = `handler ${handlers()} cannot be loaded: its thread was stuck for ${loadMs} ms`;
      this.#shard.worker.replace(reason, 'ERR_HANDLER_LOAD');
    } else {
      this.#host.onStuck(this.#shard);
      this.#shard.worker.replace(STUCK, 'ERR_WORKER');
    }
  }
}
