/**
 * What the hub writes to its log: the application's logger, or lines of JSON on stderr. Repeated lines are summed up, and
 * nothing here waits for a log or fails with one. I/O thread.
 */
import { pino } from 'pino';
import { describe, HubError } from '../api/errors.js';
import { LOG_LEVELS, type LogLevel } from '../api/logger.js';
import type { Logger, ResolvedOptions } from '../options/options.js';
import type { Counters } from './counters.js';
import { logStream } from './log-stream.js';

/** Lines of one kind that are written within a second; the others are counted, and told in one. */
export const MAX_LINES_PER_SECOND = 10;

/** What a logger such as pino's has beside what the hub asks for. */
interface Leveled {
  level: string;
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

interface Kind {
  readonly level: LogLevel;
  written: number;
  leftOut: number;
}

export class Log {
  /** A bit for each of `LOG_LEVELS` that is written. Shared with the workers. */
  readonly levels = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #logger: Logger;
  /** For what handlers print, which is written at any level but `silent`. */
  readonly #printer: Logger;
  readonly #onDropped: () => void;
  /** What was said in this second. */
  readonly #kinds = new Map<string, Kind>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    { logger, logLevel }: Pick<ResolvedOptions, 'logger' | 'logLevel'>,
    counters: Pick<Counters, 'logLinesDropped'>,
  ) {
    this.#onDropped = () => {
      counters.logLinesDropped++;
    };
    const stderr = { write: (line: string) => logStream.write(line, this.#onDropped) };
    this.#logger = logger ?? pino({ level: logLevel }, stderr);
    this.#printer = logger ?? pino({ level: logLevel === 'silent' ? logLevel : 'trace' }, stderr);
    this.#noteLevels();
  }

  /** The least severe level that is written; undefined when the application's logger does not tell. */
  get level(): string | undefined {
    return (this.#logger as Partial<Leveled>).level;
  }

  /** @throws HubError `ERR_ARGUMENT` for a level that is none, or when the application's logger has none to set */
  setLevel(level: string): void {
    if (!LEVELS.includes(level))
      throw new HubError('ERR_ARGUMENT', `level got ${describe(level)} but takes ${LEVELS.join(', ')}`);
    if (this.level === undefined)
      throw new HubError('ERR_ARGUMENT', 'the application’s logger has no level that could be set');
    (this.#logger as unknown as Leveled).level = level;
    this.#noteLevels();
  }

  #noteLevels(): void {
    const bits = LOG_LEVELS.map((level, i) => Number(this.has(level)) << i);
    Atomics.store(
      this.levels,
      0,
      bits.reduce((all, bit) => all | bit),
    );
  }

  /** False when lines of a level are not written: what costs to put together need not be. */
  has(level: LogLevel): boolean {
    try {
      return this.#logger.isLevelEnabled?.(level) ?? true;
    } catch {
      this.#onDropped();
      return false;
    }
  }

  /** @param kind a text of the hub's: what it is about has no say in it. `why` follows it. */
  error(details: object, kind: string, why?: string): void {
    this.#say('error', details, kind, why);
  }

  warn(details: object, kind: string): void {
    this.#say('warn', details, kind);
  }

  info(details: object, kind: string): void {
    this.#say('info', details, kind);
  }

  /** Never summed up: who asks for it wants to see each. Ask `has` before. */
  debug(details: object, text: string): void {
    this.write('debug', details, text);
  }

  /** What a handler printed. */
  print(level: LogLevel, details: object, text: string): void {
    this.write(level, details, text, this.#printer);
  }

  /** Tells what was left out. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [kind, { level, leftOut }] of this.#kinds)
      if (leftOut > 0) this.write(level, { repeated: leftOut }, `${kind}: repeated ${leftOut} times`);
    this.#kinds.clear();
  }

  #say(level: LogLevel, details: object, kind: string, why?: string): void {
    if (!this.has(level)) return;
    let said = this.#kinds.get(kind);
    if (said === undefined) this.#kinds.set(kind, (said = { level, written: 0, leftOut: 0 }));
    this.#timer ??= setTimeout(() => this.flush(), 1000).unref();
    if (said.written === MAX_LINES_PER_SECOND) {
      said.leftOut++;
      return;
    }
    said.written++;
    this.write(level, details, why === undefined ? kind : `${kind}: ${why}`);
  }

  /** Without summing up. A logger that throws or rejects could not write its line. */
  write(level: LogLevel, details: object, text: string, logger = this.#logger): void {
    try {
      const result: unknown = logger[level](details, text);
      if (result instanceof Promise) result.catch(this.#onDropped);
    } catch {
      this.#onDropped();
    }
  }
}
