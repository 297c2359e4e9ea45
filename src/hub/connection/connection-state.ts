/** The states of a connection, and small things about its end. Pure. */

/** They go one way: open → ending (takes no message any more, still sends) → closing (sends nothing any more) → gone. */
export const ConnectionState = { Open: 0, Ending: 1, Closing: 2, Gone: 3 } as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** How a connection is going to end. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  /** Wait until every message in flight has been answered. */
  readonly whenIdle: boolean;
}
