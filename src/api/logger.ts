/** What the hub needs of a logger, the option `logger`; and how a handler writes to that log, on its thread. */

/** The part of a pino logger that the hub uses. `details` holds the error as `err`, and what it is about. */
export interface Logger {
  /** Something failed that somebody should look at. */
  error(details: object, message: string): void;
  /** Something is not as it should be, and was dealt with. */
  warn(details: object, message: string): void;
  /** What happens in the hub's life. */
  info(details: object, message: string): void;
  /** What helps to find out why. */
  debug(details: object, message: string): void;
  /** Whether lines of a level are written. Without it every line is handed over. */
  isLevelEnabled?(level: string): boolean;
}

/** How severe a line is. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** From the most severe on. */
export const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

/** Writes a line: a text, or details that can be written as JSON, and a text. An error may be among them, or be them. */
export interface LogMethod {
  (message: string): void;
  (details: object, message?: string): void;
}

/**
 * The hub's log as its handlers see it. A line has the worker's `shard`, and its `connection` where that is known. Nothing
 * happens at levels that the log does not write.
 */
export type HandlerLog = { readonly [Level in LogLevel]: LogMethod };
