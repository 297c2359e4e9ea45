/** What a shard needs of the thing that runs its worker. */
import type { ErrorRecord, HubErrorCode } from '../../api/errors.js';
import type { WorkerMemory } from '../../wire/layout.js';
import type { HandlerHooks, Suspended } from '../../wire/worker-task.js';

/** Why a worker's life ended. */
export interface WorkerExit {
  /** True when it was asked to stop. */
  readonly expected: boolean;
  readonly reason: string;
  /** What nobody caught in the worker. */
  readonly error?: ErrorRecord;
}

export interface WorkerLinkEvents {
  /** Replies are there. */
  onDoorbell(): void;
  /** The reply ring is full and the worker is on this very thread: apply replies now. */
  applyReplies(): void;
  /** The worker's thread has ended, or was left behind: then it may still write to its memory, but nobody reads it. */
  onExit(exit: WorkerExit): void;
}

/** What a worker has loaded. */
export interface Loaded {
  /** Counts the versions of a hub, from 1. */
  readonly generation: number;
  readonly handler: string;
}

/** One life of one worker. */
export interface WorkerLink {
  readonly loaded: Loaded;
  /** True while its thread was left behind, and has not ended: it may write to its memory. */
  readonly isAbandoned: boolean;
  /**
   * @param isStandby it is not to serve before `begin`
   * @throws HubError `ERR_HANDLER_LOAD` when the handler cannot be loaded, `ERR_WORKER` when the thread dies first
   */
  start(memory: WorkerMemory, events: WorkerLinkEvents, isStandby: boolean): Promise<HandlerHooks>;
  /** Wakes the worker. */
  notify(): void;
  /**
   * Ends the thread wherever it is. Resolves when it has ended, or was left behind.
   *
   * @param code of the error with which a start that is not through fails; `ERR_WORKER` by default
   */
  kill(reason: string, code?: HubErrorCode): Promise<void>;
  /** Waits for the task to end by itself, after a `Stop` record. */
  finished(): Promise<void>;
  /** What hands over from one thread to another; none where there is one thread. */
  readonly handOver?: HandOverLink;
}

/** How a worker lets go of its shard, and takes one over. */
export interface HandOverLink {
  /** It finishes what has begun. Resolves with what it keeps for the next one; never when it ends before. */
  suspend(): Promise<Suspended>;
  /** It serves from here on. @param memory other rings than it was started with */
  begin(state: Uint8Array | undefined, memory?: WorkerMemory): void;
  /** A worker that has suspended stops: its task ends. */
  end(): void;
  /** To one that takes no records any more: `Abort`, `Credit` or `Answer`. */
  note(kind: number, slot: number, generation: number, payload: Uint8Array): void;
}
