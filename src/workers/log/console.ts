/** `console` in a worker: what handlers print becomes lines of the hub's log. Worker thread. */
import { Console } from 'node:console';
import { console as inspectorConsole, url as inspectorUrl } from 'node:inspector';
import { Writable } from 'node:stream';
import type { LogLevel } from '../../api/logger.js';

/** Of the methods that are not `info`. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  error: 'error',
  assert: 'error',
  warn: 'warn',
  trace: 'warn',
  debug: 'debug',
};

type Method = (...values: unknown[]) => void;

/** @param print is called for each text that is printed, with its level */
export function takeConsole(print: (level: LogLevel, text: string) => void): void {
  let level: LogLevel = 'info';
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, onWritten) => {
      print(level, String(text).replace(/\n$/, ''));
      onWritten();
    },
  });
  const own = Object.entries(new Console({ stdout: stream, stderr: stream }));
  const toDebugger = inspectorConsole as unknown as Record<string, Method | undefined>;
  for (const [name, method] of own) {
    if (typeof method !== 'function') continue;
    const take: Method = (...values) => {
      level = LEVELS[name] ?? 'info';
      (method as Method)(...values);
      if (inspectorUrl() !== undefined) toDebugger[name]?.(...values);
    };
    Object.assign(console, { [name]: take });
  }
}
