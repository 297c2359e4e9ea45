/** How a hub is closed. */
export interface CloseOptions {
  /**
   * How long it takes at most, in ms, from 0 to 3,600,000. Default: the option `drainTimeoutMs`. While it closes already, a
   * time given here ends the delay and the pace, and is what it has left, if that is less.
   */
  readonly timeoutMs?: number;
  /** What clients are told: 1001 (default) the hub shuts down, 1012 it restarts. */
  readonly code?: 1001 | 1012;
}
