/**
 * Lines for the hub's log, on their way through the reply ring: in their order with replies, committed when they are
 * written, so that what a handler says before its thread dies is read. Worker thread.
 */
import { clip, toErrorRecord } from '../../api/errors.js';
import { type HandlerLog, LOG_LEVELS, type LogLevel, type LogMethod } from '../../api/logger.js';
import type { ReplyWriter } from '../../wire/replies.js';
import * as Reply from '../../wire/reply-kind.js';
import type { LogRecord } from '../../wire/worker-task.js';

/** Longer details are told as a text that is cut, in characters. */
const MAX_DETAILS = 65_536;

/** Where lines go. */
export interface LogOutput {
  readonly replies: ReplyWriter;
  /** A line is there. */
  notifyIoThread(): void;
}

/** Whom a line is about. */
export interface LogOwner {
  readonly slot: number;
  readonly generation: number;
}

export class LogWriter {
  #output: LogOutput;
  readonly #levels: Int32Array;
  /** The connection whose hook runs just now. */
  owner: LogOwner | undefined;

  /** @param levels a word with a bit for each level that the log writes */
  constructor(output: LogOutput, levels: Int32Array) {
    this.#output = output;
    this.#levels = levels;
  }

  /** From here on lines go there: the thread serves over other rings. */
  attach(output: LogOutput): void {
    this.#output = output;
  }

  /** @param owner instead of the connection whose hook runs */
  logOf(owner?: LogOwner): HandlerLog {
    const methods = LOG_LEVELS.map((level) => [level, this.#methodOf(level, owner)]);
    return Object.freeze(Object.fromEntries(methods));
  }

  /** What a handler prints: it is written at any level. */
  print(level: LogLevel, text: string): void {
    this.#write({ level, text: clip(text), isPrinted: true });
  }

  #methodOf(level: LogLevel, owner: LogOwner | undefined): LogMethod {
    const bit = 1 << LOG_LEVELS.indexOf(level);
    return (details: object | string, message?: string) => {
      if ((Atomics.load(this.#levels, 0) & bit) === 0) return;
      if (typeof details === 'string') this.#write({ level, text: clip(details) }, owner);
      else this.#write({ level, text: textOf(details, message), details: plain(details) }, owner);
    };
  }

  #write(record: LogRecord, { slot, generation }: LogOwner = this.owner ?? { slot: 0, generation: 0 }): void {
    const { replies } = this.#output;
    replies.writeText(Reply.Log, slot, generation, JSON.stringify(record), 0);
    replies.commit();
    this.#output.notifyIoThread();
  }
}

function textOf(details: object, message: string | undefined): string {
  if (message !== undefined) return clip(String(message));
  return details instanceof Error ? toErrorRecord(details).message : '';
}

/** Details as they can be written: never throws, whatever they are. */
function plain(details: object): object {
  try {
    const json = JSON.stringify(details instanceof Error ? { err: details } : details, replace);
    const isSmall = json !== undefined && json.length <= MAX_DETAILS;
    return isSmall ? JSON.parse(json) : { details: clip(String(json)) };
  } catch (thrown) {
    return { details: `they cannot be written: ${toErrorRecord(thrown).message}` };
  }
}

function replace(_key: string, value: unknown): unknown {
  if (value instanceof Error) return toErrorRecord(value);
  return typeof value === 'bigint' ? String(value) : value;
}
