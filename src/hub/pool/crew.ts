/**
 * The shards, and what keeps the worker of each alive: its supervisor, what watches its thread, and which version its next
 * worker has. I/O thread.
 */
import type { WorkerExitEvent } from '../../api/events.js';
import type { RestartReason } from '../../api/reasons.js';
import { loadTimeoutMs, namesOf } from '../../wire/worker-task.js';
import type { Connection } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import { BatchMeter } from '../dispatch/batch-meter.js';
import type { FanOut } from '../dispatch/replies.js';
import { Shard } from '../dispatch/shard.js';
import type { ShardHost } from '../dispatch/shard-host.js';
import { SpareMemory } from '../dispatch/spare-memory.js';
import type { WorkerExit, WorkerLink } from '../dispatch/worker-link.js';
import { Links } from './links.js';
import { ShardWatch, STUCK } from './shard-watch.js';
import { Supervisor } from './supervisor.js';
import type { Version } from './version.js';
import { Watchdog } from './watchdog.js';
import { WorkerFaults, type WorkerFaultsHost } from './worker-faults.js';

export interface CrewHost extends WorkerFaultsHost {
  readonly connections: Connections;
  readonly fanOut: FanOut;
  /** @see ShardHost.onRequest */
  onRequest: ShardHost<Shard>['onRequest'];
  /** A connection that is gone has left its worker too. */
  onForgotten(connection: Connection): void;
  schedule(): void;
  flushSoon(connection: Connection): void;
}

/** A shard, and who looks after it. */
interface Member {
  readonly supervisor: Supervisor;
  readonly watch: ShardWatch;
  version: Version;
  /** Of its worker that died while it handed over. */
  exit: WorkerExitEvent | undefined;
}

export class Crew {
  /** Always the same array. */
  readonly shards: readonly Shard[];
  readonly #shards: Shard[] = [];
  readonly #host: CrewHost;
  /** How many there are, in every version. */
  readonly #handlers: number;
  readonly #shardHost: ShardHost<Shard>;
  readonly #links: Links;
  readonly #faults: WorkerFaults;
  readonly #watchdog: Watchdog;
  readonly #members = new Map<Shard, Member>();

  constructor(version: Version, host: CrewHost) {
    this.shards = this.#shards;
    this.#handlers = version.handlers.length;
    this.#host = host;
    const { log, counters } = host;
    this.#faults = new WorkerFaults(host);
    this.#links = new Links(log, counters);
    this.#shardHost = this.#makeShardHost();
    this.#watchdog = new Watchdog(version.settings.handlerTimeoutMs, () => this.#faults.lookForDebugger());
    const count = Math.max(1, version.settings.workers);
    this.set(Array.from({ length: count }, (_, index) => this.make(index, version)));
  }

  /** Looks after the workers. */
  start(): void {
    this.#watchdog.start();
  }

  /** No worker is started any more. */
  stop(): void {
    this.#watchdog.stop();
    for (const { supervisor } of this.#members.values()) supervisor.stop();
  }

  /** A shard that is none of those that there are, yet. */
  make(index: number, version: Version): Shard {
    const shard: Shard = new Shard(index, this.#shardHost, () => this.makeLink(index, this.versionOf(shard)));
    const { handlerTimeoutMs } = version.settings;
    const watch = new ShardWatch(shard, {
      hookMs: handlerTimeoutMs,
      loadMs: loadTimeoutMs(handlerTimeoutMs),
      handlers: () => namesOf(this.versionOf(shard).handlers),
      onStuck: () => this.#faults.onStuck(shard),
    });
    this.#members.set(shard, { supervisor: this.#supervise(shard), watch, version, exit: undefined });
    return shard;
  }

  /** These are the shards from here on. */
  set(shards: readonly Shard[]): void {
    this.#shards.splice(0, this.#shards.length, ...shards);
    for (const [shard, { supervisor, watch, version }] of this.#members) {
      // On this very thread, nothing can be watched or ended.
      if (shards.includes(shard) && version.settings.workers > 0) this.#watchdog.watch(watch);
      if (shards.includes(shard)) continue;
      supervisor.stop();
      this.#watchdog.unwatch(watch);
      this.#members.delete(shard);
    }
  }

  makeLink(index: number, version: Version): WorkerLink {
    return this.#links.make(index, version);
  }

  /** Which version the next worker of a shard has. */
  versionOf(shard: Shard): Version {
    return this.#members.get(shard)!.version;
  }

  setVersion(shard: Shard, version: Version): void {
    this.#members.get(shard)!.version = version;
  }

  /** A worker that died while it handed over has been replaced by the one that took over. */
  onReplaced(shard: Shard): void {
    const { exit } = this.#members.get(shard)!;
    if (exit !== undefined) this.#onRestart(exit);
  }

  #makeShardHost(): ShardHost<Shard> {
    const { workers, ordering, maxConcurrent, maxPayload, metrics } = this.#host.options;
    return {
      counters: this.#host.counters,
      connections: this.#host.connections,
      isLocal: workers === 0,
      maxPayload,
      spareMemory: new SpareMemory(() => this.#shards.length),
      makeMeter: () =>
        metrics
          ? new BatchMeter(this.#handlers, workers === 0, this.#host.counters.batchMessages)
          : undefined,
      fanOut: this.#host.fanOut,
      onRequest: (...request) => this.#host.onRequest(...request),
      concurrency: ordering === 'serial' ? 1 : maxConcurrent,
      schedule: () => this.#host.schedule(),
      flushSoon: (connection) => this.#host.flushSoon(connection),
      onFailure: (shard, connection, failure) => this.#faults.onFailure(shard, connection, failure),
      onLog: ({ index }, connection, { level, text, details, isPrinted }) => {
        const where = { ...details, shard: index, ...(connection === undefined ? {} : { connection }) };
        if (isPrinted) this.#host.log.print(level, where, text);
        else this.#host.log.write(level, where, text);
      },
      onWorkerExit: (shard, exit, victims) => this.#onWorkerExit(shard, exit, victims),
      onStuck: (shard) => this.#faults.onStuck(shard),
      onLateStop: (shard) => {
        this.#host.log.warn({ shard: shard.index }, 'a worker did not stop in time and was ended');
      },
      onForgotten: (connection) => this.#host.onForgotten(connection),
    };
  }

  #supervise(shard: Shard): Supervisor {
    const { log, options } = this.#host;
    const where = { shard: shard.index };
    return new Supervisor(shard, options, {
      onRestart: (exit) => this.#onRestart(exit),
      onStartFailure: (err) =>
        log.error({ ...where, reason: err.message, err }, 'a worker could not be started'),
      onRest: () => {
        const details = { ...where, pauseMs: options.restartPauseMs };
        log.error(details, 'a worker died too often: its shard rests');
        this.#host.emitter.emit('workerRest', details);
      },
      mayStart: () => this.#links.mayMake(shard.index),
    });
  }

  #onRestart(exit: WorkerExitEvent): void {
    const { counters } = this.#host;
    counters.workerRestarts++;
    counters.restartsFor[restartReason(exit.reason)]++;
    this.#host.emitter.emit('workerRestart', exit);
  }

  #onWorkerExit(shard: Shard, exit: WorkerExit, victims: number): void {
    const { counters, log } = this.#host;
    counters.workerExits++;
    shard.faults.deaths++;
    counters.crashed += victims;
    // Its records are put back: what has begun to be measured is not comparable any more.
    shard.latency?.forget();
    const { reason, error } = exit;
    const details = { shard: shard.index, reason, connections: victims };
    const event = error === undefined ? details : { ...details, error };
    log.error(error === undefined ? details : { ...details, err: error }, 'a worker ended');
    this.#host.emitter.emit('workerExit', event);
    // One that is handing over is replaced anyway.
    const member = this.#members.get(shard)!;
    member.exit = event;
    if (!shard.worker.isHandingOver) void member.supervisor.revive(event);
  }
}

/** In one word, from what the links say. */
function restartReason(why: string): RestartReason {
  if (why.endsWith(STUCK)) return 'timeout';
  return why.includes('more memory than workerMemoryMb') ? 'memory' : 'crash';
}
