/** A log that a test reads. Any thread. */
import { LOG_LEVELS, type Logger, type LogLevel } from '../api/logger.js';

/** A line that a handler has written to the log. */
export interface LogLine {
  /** How severe it is. */
  readonly level: LogLevel;
  /** What was handed over beside the text: shard and connection too. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The text. */
  readonly message: string;
}

/** A logger that keeps what it gets. */
export function recordingLogger(lines: LogLine[]): Logger {
  const method = (level: LogLevel) => (details: object, message: string) => {
    lines.push({ level, details: details as Record<string, unknown>, message });
  };
  return Object.fromEntries(LOG_LEVELS.map((level) => [level, method(level)])) as unknown as Logger;
}
