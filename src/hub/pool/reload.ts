/**
 * Reloading: which shard goes over to another version of the handlers, and when. All threads of the new version are loaded
 * before the first shard changes, so that a version that cannot be loaded changes nothing; or a few shards change first, and
 * go back when they are worse than the others. I/O thread.
 */
import { HubError } from '../../api/errors.js';
import type { Shard } from '../dispatch/shard.js';
import type { HandedOver } from '../dispatch/shard-worker.js';
import type { WorkerLife } from '../dispatch/worker-life.js';
import type { WorkerLink } from '../dispatch/worker-link.js';
import { type CanaryLimits, type Sample, watchCanaries } from './canary.js';
import { endAll, livesOf, Threads } from './threads.js';
import type { Version } from './version.js';

/** What replaces workers needs of those that there are. */
export interface ChangeHost {
  readonly shards: readonly Shard[];
  readonly reloadTimeoutMs: number;
  /** The same for what has begun; 0, no limit, where a debugger may hold it. */
  readonly suspendTimeoutMs: number;
  makeLink(shard: number, version: Version): WorkerLink;
  /** Which version the next worker of a shard has. */
  versionOf(shard: Shard): Version;
  setVersion(shard: Shard, version: Version): void;
  /** A worker that died while it handed over has been replaced by the one that took over. */
  onReplaced(shard: Shard): void;
}

export interface ReloadHost extends ChangeHost {
  /** The first shards have changed, and are watched. */
  onCanaries(canaries: readonly Shard[], version: Version): void;
  readonly sample: Sample;
}

/** How long messages waited: the longest of all shards, in ms. */
export interface HandOverReport {
  readonly pauseMs: number;
}

export class Reload {
  readonly #host: ReloadHost;
  readonly #version: Version;
  readonly #limits: CanaryLimits;
  readonly #canaries: readonly Shard[];
  readonly #others: readonly Shard[];
  readonly #threads: Threads;
  readonly #stop = new AbortController();
  #pauseMs = 0;

  /** @param limits with how many shards change first, and are watched */
  constructor(version: Version, limits: CanaryLimits & { readonly canary: number }, host: ReloadHost) {
    this.#version = version;
    this.#limits = limits;
    this.#host = host;
    this.#canaries = host.shards.slice(0, limits.canary);
    this.#others = host.shards.slice(limits.canary);
    this.#threads = new Threads(host);
  }

  /**
   * @throws HubError `ERR_HANDLER_LOAD` or `ERR_WORKER` when a thread does not come up, `ERR_RELOAD` when the first shards were
   * worse than the others: all have the version of before then
   */
  async run(): Promise<HandOverReport> {
    try {
      await this.#tryCanaries();
      // One after the other: those that serve have the machine's time.
      for (const shard of this.#others) await this.#prepare(shard);
    } catch (error) {
      for (const shard of this.#canaries) await this.#goBack(shard);
      await this.#threads.drop();
      throw error;
    }
    try {
      for (const shard of this.#others) {
        await this.#handOver(shard, this.#threads.take(shard), this.#version);
        await shard.worker.dropStandby(this.#host.reloadTimeoutMs);
      }
    } finally {
      await this.#threads.drop();
    }
    for (const shard of this.#canaries) {
      this.#host.setVersion(shard, this.#version);
      await shard.worker.dropStandby(this.#host.reloadTimeoutMs);
    }
    return { pauseMs: this.#pauseMs };
  }

  /** The hub stops: no shard changes any more. */
  stop(): void {
    this.#stop.abort();
    void this.#threads.drop();
  }

  async #tryCanaries(): Promise<void> {
    if (this.#canaries.length === 0) return;
    for (const shard of this.#canaries) await this.#prepare(shard);
    for (const shard of this.#canaries) await this.#handOver(shard, this.#threads.take(shard));
    this.#host.onCanaries(this.#canaries, this.#version);
    const { signal } = this.#stop;
    const why = await watchCanaries(this.#canaries, this.#others, this.#limits, this.#host.sample, signal);
    this.#check();
    if (why === undefined) return;
    const who = this.#canaries.map(({ index }) => index).join(', ');
    throw new HubError('ERR_RELOAD', `the new version was taken back: ${why} (shard ${who})`);
  }

  async #goBack(shard: Shard): Promise<void> {
    const { worker } = shard;
    while (worker.state === 'starting') await worker.settled;
    if (this.#stop.signal.aborted || worker.loaded?.generation !== this.#version.generation) return;
    const version = this.#host.versionOf(shard);
    const life = worker.takeStandby() ?? (await this.#threads.prepare(shard, version));
    await this.#handOver(shard, life, version);
    await worker.dropStandby(this.#host.reloadTimeoutMs);
  }

  async #prepare(shard: Shard): Promise<void> {
    this.#check();
    this.#threads.keep(shard, await this.#threads.prepare(shard, this.#version));
  }

  /**
   * The worker of before stands by afterwards.
   *
   * @param version what the shard's next workers have, too; undefined: what they had
   */
  async #handOver(shard: Shard, life: WorkerLife, version = this.#host.versionOf(shard)): Promise<void> {
    const { worker } = shard;
    let before: HandedOver | undefined;
    try {
      while (worker.state === 'starting') await worker.settled;
      this.#check();
      const since = performance.now();
      if (worker.state === 'up') {
        // What waits is introduced anew: what has begun to be measured is not comparable any more.
        shard.latency?.forget();
        before = await worker.suspend(this.#host.suspendTimeoutMs);
        this.#check();
      }
      // Its worker may have died: then the next one is this.
      worker.takeOver(life, before !== undefined && 'state' in before ? before.state : undefined);
      if (before !== undefined) this.#pauseMs = Math.max(this.#pauseMs, performance.now() - since);
    } catch (error) {
      await endAll([life, ...livesOf([before])]);
      throw error;
    }
    if (before !== undefined && 'exit' in before) this.#host.onReplaced(shard);
    for (const old of livesOf([before])) worker.keepStandby(old);
    this.#host.setVersion(shard, version);
  }

  #check(): void {
    if (this.#stop.signal.aborted) throw new HubError('ERR_HUB_STATE', 'the hub stops');
  }
}
