/** How a hub is closed. */
export interface CloseOptions {
  /**
   * How long to wait for messages in flight and outbound queues, in ms, from 0 to 3,600,000. Default: the option
   * `drainTimeoutMs`.
   */
  readonly timeoutMs?: number;
  /** What clients are told: 1001 (default) the hub shuts down, 1012 it restarts. */
  readonly code?: 1001 | 1012;
}
