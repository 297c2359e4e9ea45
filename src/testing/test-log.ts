/** A log that a test reads. Any thread. */
import { LOG_LEVELS, type Logger, type LogLevel } from '../api/logger.js';

export interface LogLine {
  readonly level: LogLevel;
  readonly details: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps what it gets. */
export function recordingLogger(lines: LogLine[]): Logger {
  const method = (level: LogLevel) => (details: object, message: string) => {
    lines.push({ level, details: details as Record<string, unknown>, message });
  };
  return Object.fromEntries(LOG_LEVELS.map((level) => [level, method(level)])) as unknown as Logger;
}
