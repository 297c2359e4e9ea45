/** What a shard needs of the parts around it. Types only. */
import type { FailureRecord } from '../../api/bad-message.js';
import type { Counters } from '../../telemetry/counters.js';
import type { LogRecord } from '../../wire/worker-task.js';
import type { Connection } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import type { BatchMeter } from './batch-meter.js';
import type { FanOut } from './replies.js';
import type { SpareMemory } from './spare-memory.js';
import type { WorkerExit } from './worker-link.js';

/** `S` is the shard. */
export interface ShardHost<S> {
  readonly counters: Counters;
  readonly connections: Connections;
  readonly isLocal: boolean;
  readonly maxPayload: number;
  readonly spareMemory: SpareMemory;
  /** Undefined when nothing is measured. */
  makeMeter(): BatchMeter | undefined;
  /** Messages of one connection that its worker works on at a time. */
  readonly concurrency: number;
  /** Something was staged, or replies are there: work at the end of this poll phase. */
  schedule(): void;
  onFailure(shard: S, connection: Connection | undefined, failure: FailureRecord): void;
  /** A handler wrote a line for the log, of a connection or of none. */
  onLog(shard: S, connection: string | undefined, line: LogRecord): void;
  /** The worker of a shard that was up has ended by itself, and cost so many connections. */
  onWorkerExit(shard: S, exit: WorkerExit, victims: number): void;
  /** What handlers do with topics. */
  readonly fanOut: FanOut;
  /** A handler asks for something; answered once, at once or later. `payload` is not changed any more. */
  onRequest(
    connection: Connection | undefined,
    payload: Uint8Array,
    answer: (bytes: Uint8Array) => void,
  ): void;
  /** A worker that was to hand over is in a loop: its thread is about to be ended. */
  onStuck(shard: S): void;
  /** Runs `connection.flush()` soon, outside the engine's callbacks. */
  flushSoon(connection: Connection): void;
  /** A worker did not stop in time and was ended. */
  onLateStop(shard: S): void;
  /** A connection that is gone has left the worker too. */
  onForgotten(connection: Connection): void;
}
