/**
 * The workers of a hub: their shards, who watches them, and what is said when one of them is in trouble. I/O
 * thread.
 */
import { url as inspectorUrl } from 'node:inspector';
import type { EventLoopUtilization } from 'node:perf_hooks';
import type { FailureRecord } from '../../api/bad-message.js';
import { CloseCode } from '../../api/close-codes.js';
import type { RestartReason } from '../../api/reasons.js';
import type { ShardStats } from '../../api/stats.js';
import type { ResolvedOptions } from '../../options/options.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Emitter } from '../../telemetry/emitter.js';
import type { LatencySampler } from '../../telemetry/latency.js';
import type { Log } from '../../telemetry/log.js';
import { MayLook, Spinner } from '../../util/spinner.js';
import type { Timings } from '../../wire/timings.js';
import { type HandlerSource, loadTimeoutMs, type RuntimeSettings } from '../../wire/worker-task.js';
import { allResting, type Refusal } from '../admission/admission.js';
import { shardOfKey } from '../admission/affinity.js';
import type { Connection } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import { BatchMeter } from '../dispatch/batch-meter.js';
import type { FanOut } from '../dispatch/replies.js';
import { Shard } from '../dispatch/shard.js';
import type { ShardHost } from '../dispatch/shard-host.js';
import { SpinGate } from '../dispatch/spin-gate.js';
import { Turn } from '../dispatch/turn.js';
import type { WorkerExit } from '../dispatch/worker-link.js';
import { LocalLink } from './local-link.js';
import { PiscinaLink } from './piscina-links.js';
import { ShardWatch, type ShardWatchHost, STUCK } from './shard-watch.js';
import { Supervisor } from './supervisor.js';
import { Watchdog } from './watchdog.js';

/** Threads of a shard that may be left behind at a time, each with its rings: with more, the shard rests. */
const MAX_ABANDONED = 4;

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

export class Workers {
  readonly turn: Turn;
  readonly #host: WorkersHost;
  readonly #shards: readonly Shard[];
  /** By shard: the threads of its worker that are left behind, and that of its life at hand. */
  readonly #links: PiscinaLink[][] = [];
  readonly #supervisors: readonly Supervisor[];
  readonly #watchdog: Watchdog;
  readonly #spinGate: SpinGate;
  #isDebugged = false;

  constructor(handlers: readonly HandlerSource[], host: WorkersHost) {
    this.#host = host;
    const { workers, handlerTimeoutMs } = host.options;
    this.#spinGate = new SpinGate(host.options.spin, workers);
    this.#shards = this.#makeShards(handlers);
    this.#supervisors = this.#shards.map((shard) => this.#supervise(shard));
    const watch: ShardWatchHost = {
      hookMs: handlerTimeoutMs,
      loadMs: loadTimeoutMs(handlerTimeoutMs),
      handlers: handlers.map(({ name }) => name).join(', '),
      onStuck: (shard) => this.#onStuck(shard),
    };
    const watched = workers === 0 ? [] : this.#shards.map((shard) => new ShardWatch(shard, watch));
    this.#watchdog = new Watchdog(handlerTimeoutMs, watched, () => this.#lookForDebugger());
    const spinner = new Spinner(host.options.spin, this.#spinGate.word, MayLook.IoThread, host.counters);
    this.turn = new Turn(this.#shards, spinner, this.#spinGate, () => host.relieve());
  }

  /** Resolves once every worker has loaded its handlers. */
  async start(): Promise<void> {
    this.#watchdog.start();
    await Promise.all(this.#shards.map((shard) => shard.start()));
  }

  /** Lets every worker finish what it has, at most so long, and ends it. */
  async stop(timeoutMs: number): Promise<void> {
    this.#watchdog.stop();
    for (const supervisor of this.#supervisors) supervisor.stop();
    await Promise.all(this.#shards.map((shard) => shard.stop(timeoutMs)));
  }

  async kill(reason: string): Promise<void> {
    this.#watchdog.stop();
    for (const supervisor of this.#supervisors) supervisor.stop();
    await Promise.all(this.#shards.map((shard) => shard.kill(reason)));
  }

  stats(): ShardStats[] {
    return this.#shards.map((shard) => shard.stats());
  }

  get shards(): number {
    return this.#shards.length;
  }

  /** Samples the latency of messages from here on; undefined: not any more. */
  sampleLatency(sampler: LatencySampler | undefined): void {
    for (const shard of this.#shards) shard.latency = sampler;
  }

  /** Asks every worker's thread for a sign of life. */
  probe(): void {
    for (const shard of this.#shards) if (shard.state === 'up') this.#links[shard.index]?.at(-1)?.probe();
  }

  /** How long each took to answer, in ms. */
  loopDelays(): (number | null)[] {
    return this.#shards.map(
      ({ state, index }) => (state === 'up' && this.#links[index]?.at(-1)?.loopDelayMs()) || null,
    );
  }

  /** How busy the event loop of each thread has been; undefined where there is none. */
  utilizations(): (EventLoopUtilization | undefined)[] {
    return this.#shards.map(({ state, index }) =>
      state === 'up' ? this.#links[index]?.at(-1)?.utilization() : undefined,
    );
  }

  /** What the workers measured, by shard; empty without the option `metrics`. */
  timings(): Timings[] {
    return this.#shards.flatMap(({ meter }) => meter?.timings ?? []);
  }

  /** Shards that rest after too many crashes. */
  resting(): number[] {
    return this.#shards.filter((shard) => shard.isResting).map((shard) => shard.index);
  }

  /** True while some worker serves. */
  get isServing(): boolean {
    return this.#shards.some((shard) => shard.state === 'up');
  }

  /** While every shard rests there is nobody to answer. */
  refuseResting(): Refusal | undefined {
    return this.#shards.every((shard) => shard.isResting) ? allResting() : undefined;
  }

  /** The shard of all connections with a key. */
  shardOf(key: string): Shard {
    return this.#shards[shardOfKey(key, this.#shards.length)]!;
  }

  /** The shard with the fewest connections among those that are up, or else among those that come up again. */
  leastLoaded(): Shard {
    let best = this.#shards[0]!;
    for (const shard of this.#shards) if (rank(shard) < rank(best)) best = shard;
    return best;
  }

  #makeShards(handlers: readonly HandlerSource[]): Shard[] {
    const { workers, ordering, maxConcurrent, maxPayload, metrics } = this.#host.options;
    const settings = runtimeSettings(this.#host.options, this.#spinGate.word);
    const host: ShardHost<Shard> = {
      counters: this.#host.counters,
      connections: this.#host.connections,
      isLocal: workers === 0,
      maxPayload,
      makeMeter: () =>
        metrics
          ? new BatchMeter(handlers.length, workers === 0, this.#host.counters.batchMessages)
          : undefined,
      fanOut: this.#host.fanOut,
      onRequest: (...request) => this.#host.onRequest(...request),
      concurrency: ordering === 'serial' ? 1 : maxConcurrent,
      schedule: () => this.turn.schedule(),
      flushSoon: (connection) => this.turn.flushSoon(connection),
      onFailure: (shard, connection, failure) => this.#onFailure(shard, connection, failure),
      onWorkerExit: (shard, exit, victims) => this.#onWorkerExit(shard, exit, victims),
      onLateStop: (shard) => {
        this.#host.log.warn({ shard: shard.index }, 'a worker did not stop in time and was ended');
      },
      onForgotten: (connection) => this.#host.onForgotten(connection),
    };
    if (workers === 0) return [new Shard(0, host, () => new LocalLink(handlers, settings))];
    const { counters, log, options } = this.#host;
    const setup = { handlers, settings, env: options.workerEnv, execArgv: options.workerExecArgv };
    const makeLink = (index: number) => {
      const link = new PiscinaLink(index, setup, {
        onAbandoned: () => {
          const message =
            'a worker thread cannot be ended, and is left behind: it is in native code or at a breakpoint';
          log.error({ shard: index }, message);
        },
        onOutputDropped: () => {
          counters.logLinesDropped++;
        },
      });
      this.#links[index] = [...this.#abandoned(index), link];
      return link;
    };
    return Array.from({ length: workers }, (_, index) => new Shard(index, host, () => makeLink(index)));
  }

  #abandoned(index: number): PiscinaLink[] {
    return this.#links[index]?.filter(({ isAbandoned }) => isAbandoned) ?? [];
  }

  #supervise(shard: Shard): Supervisor {
    const { counters, log, options } = this.#host;
    const where = { shard: shard.index };
    return new Supervisor(shard, options, {
      onRestart: (exit) => {
        counters.workerRestarts++;
        counters.restartsFor[restartReason(exit.reason)]++;
        this.#host.emitter.emit('workerRestart', exit);
      },
      onStartFailure: (err) =>
        log.error({ ...where, reason: err.message, err }, 'a worker could not be started'),
      onRest: () => {
        const details = { ...where, pauseMs: options.restartPauseMs };
        log.error(details, 'a worker died too often: its shard rests');
        this.#host.emitter.emit('workerRest', details);
      },
      mayStart: () => this.#abandoned(shard.index).length < MAX_ABANDONED,
    });
  }

  /** A hook threw or rejected, or its promise took too long. */
  #onFailure(shard: Shard, connection: Connection | undefined, failure: FailureRecord): void {
    const { counters, log, options } = this.#host;
    if (failure.closeCode !== undefined && connection !== undefined) {
      this.#onBadMessage(connection, failure.closeCode, failure.message);
      return;
    }
    const where = { shard: shard.index, ...(connection === undefined ? {} : { connection: connection.id }) };
    const isLate = failure.code === 'ERR_HANDLER_TIMEOUT';
    log.error({ ...where, err: failure }, 'a handler failed', failure.message);
    // An HTTP request is told in any case.
    if (isLate || options.onHandlerError === 'close' || connection?.isVirtual) {
      connection?.fail(CloseCode.InternalError, isLate ? 'the handler took too long' : 'the handler failed');
    }
    if (isLate) {
      counters.handlerTimeouts++;
      this.#host.emitter.emit('handlerTimeout', { ...where, kind: 'promise' });
    } else {
      counters.handlerErrors++;
      this.#host.emitter.emit('handlerError', { ...where, error: failure });
    }
  }

  /** The client's fault, not the handler's. */
  #onBadMessage(connection: Connection, closeCode: number, reason: string): void {
    const { counters, log } = this.#host;
    counters.invalid['bad-message']++;
    if (log.has('debug')) log.debug({ connection: connection.id, closeCode, reason }, 'a message is bad');
    connection.fail(connection.isVirtual ? CloseCode.InvalidPayload : closeCode, reason);
  }

  /** Threads may be held at a breakpoint: nothing else tells that from a loop. */
  #lookForDebugger(): boolean {
    const isDebugged = inspectorUrl() !== undefined;
    if (isDebugged && !this.#isDebugged) {
      this.#host.log.warn({}, 'an inspector is open: no loop of a handler is ended while it is');
    }
    this.#isDebugged = isDebugged;
    return isDebugged;
  }

  #onStuck(shard: Shard): void {
    const { counters, log } = this.#host;
    counters.handlerTimeouts++;
    log.error({ shard: shard.index }, 'a handler is in a loop: its worker is replaced');
    this.#host.emitter.emit('handlerTimeout', { shard: shard.index, kind: 'loop' });
  }

  #onWorkerExit(shard: Shard, exit: WorkerExit, victims: number): void {
    const { counters, log } = this.#host;
    counters.workerExits++;
    counters.crashed += victims;
    // Its records are put back: what has begun to be measured is not comparable any more.
    shard.latency?.forget();
    const { reason, error } = exit;
    const details = { shard: shard.index, reason, connections: victims };
    const event = error === undefined ? details : { ...details, error };
    log.error(error === undefined ? details : { ...details, err: error }, 'a worker ended');
    this.#host.emitter.emit('workerExit', event);
    void this.#supervisors[shard.index]!.revive(event);
  }
}

function runtimeSettings(options: ResolvedOptions, spinGate: Int32Array): RuntimeSettings {
  const { workers, handlerTimeoutMs, onHandlerError, workerMemoryMb } = options;
  const { ordering, maxConcurrent, spin } = options;
  const sendWindow = {
    bytes: Math.min(options.highWaterMark, options.maxQueueBytes),
    // Half of the queue: who waits for room must never overflow it.
    messages: Math.max(1, Math.floor(options.maxQueueMessages / 2)),
  };
  return {
    spin,
    spinGate,
    workers,
    handlerTimeoutMs,
    onHandlerError,
    workerMemoryMb,
    ordering,
    maxConcurrent,
    sendWindow,
    sharesTopics: Object.keys(options.topics).length > 0,
    historyTopics: Object.fromEntries(
      Object.entries(options.topics).map(([pattern, { history }]) => [pattern, history !== undefined]),
    ),
  };
}

/** In one word, from what the links say. */
function restartReason(why: string): RestartReason {
  if (why.endsWith(STUCK)) return 'timeout';
  return why.includes('more memory than workerMemoryMb') ? 'memory' : 'crash';
}

/** Fewer is better: connections of a shard, with those that are not up behind all others. */
function rank(shard: Shard): number {
  const penalty = shard.state === 'up' ? 0 : shard.isResting ? 2 : 1;
  return shard.connections + penalty * 1e9;
}
