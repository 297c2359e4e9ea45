/** A logger of the application's that may throw without stopping what goes on here. */
import type { Logger } from '../options.js';
import { throwLater } from '../throw-later.js';

/** What it throws is an uncaught exception, as what a listener throws is. */
export function guardedLogger(logger: Logger): Logger {
  const guard = (level: keyof Logger) => (details: object, message: string) => {
    try {
      logger[level](details, message);
    } catch (error) {
      throwLater(error);
    }
  };
  return { error: guard('error'), warn: guard('warn'), info: guard('info'), debug: guard('debug') };
}
