/** The hub's events. */
import type { ErrorRecord } from '../errors.js';

export interface WorkerExitEvent {
  readonly shard: number;
  /** Why, in words: an exit code, an error, or that it was stuck. */
  readonly reason: string;
  /** Connections closed because a message of theirs had begun and not finished. */
  readonly connections: number;
}

export interface HandlerTimeoutEvent {
  readonly shard: number;
  /** `loop`: the thread was stuck and is replaced. `promise`: a hook's promise did not settle. */
  readonly kind: 'loop' | 'promise';
  /** Its connection; unknown for a loop. */
  readonly connection?: string;
}

export interface HandlerErrorEvent {
  readonly shard: number;
  readonly connection?: string;
  readonly error: ErrorRecord;
}

/** Event names and their arguments. */
export interface HubEvents {
  /** A worker ended by itself, or was ended for being stuck. */
  workerExit: [event: WorkerExitEvent];
  /** Another worker took the place of one that ended: with the same event as its `workerExit`. */
  workerRestart: [event: WorkerExitEvent];
  /** A worker died too often: the shard rests, and its connections were closed (1013). */
  workerRest: [event: { readonly shard: number; readonly pauseMs: number }];
  handlerTimeout: [event: HandlerTimeoutEvent];
  handlerError: [event: HandlerErrorEvent];
}
