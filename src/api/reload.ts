/** What `hub.reload()` and `hub.handlers()` take and say. */

/** What is to be different from now on. */
export interface ReloadOptions {
  /** Another module, as the option `handler`; the same one is loaded afresh without it. Only for a hub with one handler. */
  readonly handler?: string | URL;
  /** Another value for its `worker.options`, as the option `handlerOptions`; the same one without it. Only for one handler. */
  readonly handlerOptions?: unknown;
  /**
   * So many shards change first, and are watched for `canaryMs`: when they are worse than the others, they go back. From 1
   * to one less than there are; 0 (default): all change at once.
   */
  readonly canary?: number;
  /** How long the first ones are watched, in ms, from 1 to 86400000. Default: 10000. */
  readonly canaryMs?: number;
  /** A p99 so many times that of the others is worse, from 1 to 1000; 0 does not look at it. Default: 3. */
  readonly canaryLatency?: number;
}

/** What a reload or a resize came to. */
export interface ReloadResult {
  /** The version that all shards run now: one more than before. */
  readonly generation: number;
  /** From the call to the last shard's hand-over, in ms. */
  readonly tookMs: number;
  /** How long messages waited for it, in the shard where that was longest, in ms. */
  readonly pauseMs: number;
}

/** What one shard runs. */
export interface HandlerInfo {
  /** Which one, from 0. */
  readonly shard: number;
  /** Counts the versions that the hub has loaded, from 1. */
  readonly generation: number;
  /** The handler as it was given; several are separated by `, `. */
  readonly handler: string;
  /** When it was loaded. */
  readonly loadedAt: Date;
}
