/** What the hub needs of a logger: the option `logger`. */

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
