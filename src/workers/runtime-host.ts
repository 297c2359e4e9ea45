/** What the runtime needs of the thread it runs on. */
import { HubError } from '../api/errors.js';

export interface RuntimeHost {
  /** Waits a moment for records; true when there are some. Blocks the thread: timers and I/O wait meanwhile. */
  waitForRecords(): boolean;
  /** Marks the worker as parked; false when records came in meanwhile. */
  park(): boolean;
  /** The worker wakes by itself: it counts as awake, and the I/O thread looks after it from here on. */
  stir(): void;
  /** The handler's code has come back, or is called anew. */
  step(): void;
  /** Tells the I/O thread that replies are there, if it sleeps. */
  notifyIoThread(): void;
  /** A `Stop` record came: no more records follow. */
  stopped(): void;
}

/** An uncaught exception in a thread that should have ended by now. */
export function givenUp(): HubError {
  return new HubError('ERR_WORKER', 'this worker was given up, and another one has its place');
}

/** A payload of a ring. */
export function asText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}
