/**
 * The workers of a hub: their shards, who watches them, and what is said when one of them is in trouble. I/O
 * thread.
 */
import type { EventLoopUtilization } from 'node:perf_hooks';
import type { HandlerInfo } from '../../api/reload.js';
import type { ShardStats } from '../../api/stats.js';
import type { ResolvedOptions } from '../../options/options.js';
import type { CheckedReload } from '../../options/reload.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Emitter } from '../../telemetry/emitter.js';
import { BothProbes, type LatencySampler } from '../../telemetry/latency.js';
import type { Log } from '../../telemetry/log.js';
import { MayLook, Spinner } from '../../util/spinner.js';
import type { Timings } from '../../wire/timings.js';
import type { HandlerSource } from '../../wire/worker-task.js';
import { allResting, type Refusal } from '../admission/admission.js';
import { shardOfKey } from '../admission/affinity.js';
import type { Connection } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import type { FanOut } from '../dispatch/replies.js';
import type { Shard } from '../dispatch/shard.js';
import type { ShardHost } from '../dispatch/shard-host.js';
import { SpinGate } from '../dispatch/spin-gate.js';
import { Turn } from '../dispatch/turn.js';
import { Crew } from './crew.js';
import { PiscinaLink } from './piscina-links.js';
import { type ChangeHost, type HandOverReport, Reload, type ReloadHost } from './reload.js';
import { Resize, type ResizeHost } from './resize.js';
import { firstVersion, mayBeHeld, type Version } from './version.js';

export interface WorkersHost {
  readonly options: ResolvedOptions;
  readonly counters: Counters;
  readonly connections: Connections;
  readonly log: Log;
  readonly emitter: Emitter;
  readonly fanOut: FanOut;
  /** @see ShardHost.onRequest */
  onRequest: ShardHost<Shard>['onRequest'];
  /** A connection that is gone has left its worker too. */
  onForgotten(connection: Connection): void;
  /** Called at the end of each turn, when nothing is corked. */
  relieve(): void;
}

/** What a change of the workers came to: the version that all have, and how long messages waited, in ms. */
export interface WorkersReport extends HandOverReport {
  readonly generation: number;
}

export class Workers {
  readonly turn: Turn;
  readonly #host: WorkersHost;
  readonly #crew: Crew;
  #version: Version;
  #generation = 1;
  #feedSampler: LatencySampler | undefined;
  #canarySamplerOf: ((shard: Shard) => LatencySampler) | undefined;
  #change: Reload | Resize | undefined;
  /** One reload or resize after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(handlers: readonly HandlerSource[], host: WorkersHost) {
    this.#host = host;
    const { options, counters } = host;
    const spinGate = new SpinGate(options.spin, options.workers);
    this.#version = firstVersion(handlers, options, spinGate.word, host.log);
    this.#crew = new Crew(this.#version, {
      ...host,
      schedule: () => this.turn.schedule(),
      flushSoon: (connection) => this.turn.flushSoon(connection),
    });
    const spinner = new Spinner(options.spin, spinGate.word, MayLook.IoThread, counters);
    this.turn = new Turn(this.#crew.shards, spinner, spinGate, () => host.relieve());
  }

  /** Resolves once every worker has loaded its handlers. */
  async start(): Promise<void> {
    this.#crew.start();
    await Promise.all(this.#crew.shards.map((shard) => shard.start()));
  }

  /** Lets every worker finish what it has, at most so long, and ends it. */
  async stop(timeoutMs: number): Promise<void> {
    this.#endSupervision();
    await Promise.all(this.#crew.shards.map((shard) => shard.stop(timeoutMs)));
  }

  async kill(reason: string): Promise<void> {
    this.#endSupervision();
    await Promise.all(this.#crew.shards.map((shard) => shard.worker.kill(reason)));
  }

  #endSupervision(): void {
    this.#crew.stop();
    this.#isStopped = true;
    this.#change?.stop();
  }

  /**
   * Goes over to handlers that are loaded afresh: one shard after the other, with every connection.
   *
   * @param find which they are, when it is this one's turn
   * @param onDone all shards have them
   * @returns the generation that all shards have then
   * @throws as {@link Reload.run} does: nothing has changed then
   */
  reload(
    limits: CheckedReload,
    find: () => readonly HandlerSource[],
    onDone: (handlers: readonly HandlerSource[]) => void,
  ): Promise<WorkersReport> {
    return this.#replace(() => {
      const handlers = find();
      const version = { ...this.#version, handlers };
      return {
        version,
        makeChange: (own) => new Reload(own, limits, this.#reloadHost()),
        onDone: () => onDone(handlers),
      };
    });
  }

  /**
   * Goes over to another number of workers. Connections with a key go where it is then; of the others, those move that have to.
   *
   * @param workers at least 1
   * @throws as {@link Resize.run} does: nothing has changed then
   */
  resize(workers: number): Promise<WorkersReport> {
    return this.#replace(() => {
      const version = { ...this.#version, settings: { ...this.#version.settings, workers } };
      return { version, makeChange: (own) => new Resize(own, this.#resizeHost()), onDone: () => {} };
    });
  }

  #replace(
    plan: () => { version: Version; makeChange(version: Version): Reload | Resize; onDone(): void },
  ): Promise<WorkersReport> {
    const replacing = this.#changes.then(async () => {
      const { version: planned, makeChange, onDone } = plan();
      // A generation that was taken back has been seen: its number is not used again.
      const version = { ...planned, generation: ++this.#generation };
      this.#change = makeChange(version);
      if (this.#isStopped) this.#change.stop();
      const { pauseMs } = await this.#change.run();
      this.#version = version;
      onDone();
      return { pauseMs, generation: version.generation };
    });
    this.#changes = replacing.catch(() => {});
    return replacing;
  }

  #changeHost(): ChangeHost {
    const crew = this.#crew;
    return {
      shards: [...crew.shards],
      reloadTimeoutMs: this.#host.options.reloadTimeoutMs,
      suspendTimeoutMs: mayBeHeld(this.#version) ? 0 : this.#host.options.reloadTimeoutMs,
      makeLink: (index, version) => crew.makeLink(index, version),
      versionOf: (shard) => crew.versionOf(shard),
      setVersion: (shard, version) => crew.setVersion(shard, version),
      onReplaced: (shard) => crew.onReplaced(shard),
    };
  }

  #reloadHost(): ReloadHost {
    return {
      ...this.#changeHost(),
      onCanaries: (canaries, { generation }) => {
        const shards = canaries.map(({ index }) => index);
        this.#host.log.info({ shards, generation }, 'the first shards run the new version, and are watched');
      },
      sample: (samplerOf) => {
        this.#canarySamplerOf = samplerOf;
        this.#attachSamplers();
      },
    };
  }

  #resizeHost(): ResizeHost {
    return {
      ...this.#changeHost(),
      connections: this.#host.connections,
      makeShard: (index, version) => this.#crew.make(index, version),
      setShards: (shards) => {
        this.#crew.set(shards);
        this.#attachSamplers();
      },
    };
  }

  stats(): ShardStats[] {
    return this.#crew.shards.map((shard) => shard.stats());
  }

  /** What each shard runs, or has run last. */
  handlers(): HandlerInfo[] {
    return this.#crew.shards.flatMap(({ worker }) => worker.loaded ?? []);
  }

  /** True when the handlers run on the I/O thread. */
  get isLocal(): boolean {
    return this.#version.settings.workers === 0;
  }

  get shards(): number {
    return this.#crew.shards.length;
  }

  /** Samples the latency of messages from here on; undefined: not any more. */
  sampleLatency(sampler: LatencySampler | undefined): void {
    this.#feedSampler = sampler;
    this.#attachSamplers();
  }

  #attachSamplers(): void {
    for (const shard of this.#crew.shards) {
      const [feed, canary] = [this.#feedSampler, this.#canarySamplerOf?.(shard)];
      shard.latency = feed && canary ? new BothProbes(feed, canary) : (feed ?? canary);
    }
  }

  /** Asks every worker's thread for a sign of life. */
  probe(): void {
    for (const shard of this.#crew.shards) linkOf(shard)?.probe();
  }

  /** How long each took to answer, in ms. */
  loopDelays(): (number | null)[] {
    return this.#crew.shards.map((shard) => linkOf(shard)?.loopDelayMs() ?? null);
  }

  /** How busy the event loop of each thread has been; undefined where there is none. */
  utilizations(): (EventLoopUtilization | undefined)[] {
    return this.#crew.shards.map((shard) => linkOf(shard)?.utilization());
  }

  /** The thread of a shard, as Node.js counts them; undefined where there is none. */
  threadOf(shard: number): number | undefined {
    const own = this.#crew.shards[shard];
    return own === undefined ? undefined : linkOf(own)?.threadId;
  }

  /** What the workers measured, by shard; empty without the option `metrics`. */
  timings(): Timings[] {
    return this.#crew.shards.flatMap(({ meter }) => meter?.timings ?? []);
  }

  /** Shards that rest after too many crashes. */
  resting(): number[] {
    return this.#crew.shards.filter((shard) => shard.worker.isResting).map((shard) => shard.index);
  }

  /** True while some worker serves. */
  get isServing(): boolean {
    return this.#crew.shards.some((shard) => shard.state === 'up');
  }

  /** While every shard rests there is nobody to answer. */
  refuseResting(): Refusal | undefined {
    return this.#crew.shards.every((shard) => shard.worker.isResting) ? allResting() : undefined;
  }

  /** The shard of all connections with a key. */
  shardOf(key: string): Shard {
    return this.#crew.shards[shardOfKey(key, this.#crew.shards.length)]!;
  }

  /** The shard with the fewest connections among those that are up, or else among those that come up again. */
  leastLoaded(): Shard {
    let best = this.#crew.shards[0]!;
    for (const shard of this.#crew.shards) if (rank(shard) < rank(best)) best = shard;
    return best;
  }
}

/** What tells of its thread, while it serves on one of its own. */
function linkOf({ state, worker }: Shard): PiscinaLink | undefined {
  const link = worker.life?.link;
  return state === 'up' && link instanceof PiscinaLink ? link : undefined;
}

/** Fewer is better: connections of a shard, with those that are not up behind all others. */
function rank(shard: Shard): number {
  const penalty = shard.state === 'up' ? 0 : shard.worker.isResting ? 2 : 1;
  return shard.connections + penalty * 1e9;
}
