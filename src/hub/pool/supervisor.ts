/**
 * Keeps a shard's worker alive: starts another one when it dies, and lets the shard rest when that does not help.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorRecord, toErrorRecord } from '../../api/errors.js';
import type { WorkerExitEvent } from '../../api/events.js';
import type { Shard } from '../dispatch/shard.js';
import { Breaker, type BreakerLimits } from './breaker.js';

export interface SupervisorLimits extends BreakerLimits {
  readonly restartPauseMs: number;
}

export interface SupervisorHost {
  /** A worker serves again. */
  onRestart(exit: WorkerExitEvent): void;
  /** A worker could not be started: its handler does not load, or its thread died at once. */
  onStartFailure(error: ErrorRecord): void;
  /** Too many deaths: the shard rests for a while. */
  onRest(): void;
  /** False while too many threads of the shard are left behind. */
  mayStart(): boolean;
}

export class Supervisor {
  readonly #shard: Shard;
  readonly #limits: SupervisorLimits;
  readonly #host: SupervisorHost;
  readonly #breaker: Breaker;
  readonly #stop = new AbortController();

  constructor(shard: Shard, limits: SupervisorLimits, host: SupervisorHost) {
    this.#shard = shard;
    this.#limits = limits;
    this.#host = host;
    this.#breaker = new Breaker(limits);
  }

  /** The shard is down: brings it up again, however often that takes. Resolves when it is up, or `stop` was called. */
  async revive(exit: WorkerExitEvent): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.#breaker.trips(performance.now()) || !this.#host.mayStart()) {
        this.#shard.rest();
        this.#host.onRest();
        do await delay(this.#limits.restartPauseMs, undefined, { signal }).catch(() => {});
        while (!signal.aborted && !this.#host.mayStart());
        if (signal.aborted) return;
      }
      try {
        await this.#shard.start();
      } catch (error) {
        // Another version has taken the place of the one that died.
        if (this.#shard.state === 'up') return this.#host.onRestart(exit);
        if (!signal.aborted) this.#host.onStartFailure(toErrorRecord(error));
        continue;
      }
      this.#host.onRestart(exit);
      return;
    }
  }

  /** No worker is started any more. */
  stop(): void {
    this.#stop.abort();
  }
}
