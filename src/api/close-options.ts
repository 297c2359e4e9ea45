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

/** How the connections of a user are closed. */
export interface CloseUserOptions {
  /** 1000 (default), another code of RFC 6455 §7.4 that may be sent, or 3000 to 4999. */
  readonly code?: number;
  /** At most 123 bytes of UTF-8; a longer one is cut. Default: none. */
  readonly reason?: string;
}
