/** How a worker's thread is made to end. Both threads. */

/** When a thread ends, and how. */
export interface WorkerFault {
  /** Which message of its worker, from 1, among those that have begun, over all of its lives. */
  readonly message: number;
  /**
   * `before`: the message before it has finished, and it has not begun. `inside`: it has begun. `behind`: it has finished.
   * A message whose hook returns an iterable is behind it once that has been returned.
   */
  readonly when: 'before' | 'inside' | 'behind';
  /** `exit`: `process.exit`. `uncaught`: an error that nobody catches. `loop`: one that never ends. */
  readonly how: 'exit' | 'uncaught' | 'loop';
  /** Which of the hub's workers, from 0. */
  readonly shard: number;
}

/** What the handler around the one that is tested is given, as its options. */
export interface FaultyOptions {
  /** The module of the handler that is tested, and its own options. */
  readonly url: string;
  readonly options: unknown;
  readonly faults: readonly WorkerFault[];
  /** A word for each shard: messages that have begun. */
  readonly counts: SharedArrayBuffer;
}
