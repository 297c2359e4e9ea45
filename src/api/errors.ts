/**
 * The error class of shardhub, and its plain form for the hop between threads
 * (error classes do not survive a structured clone).
 */

/** Every code that a {@link HubError} can carry. Codes are stable and never reused. */
export const HUB_ERROR_CODES = [
  'ERR_OPTION',
  'ERR_ENGINE_MISSING',
  'ERR_LISTEN',
  'ERR_HANDLER_LOAD',
  'ERR_WORKER',
  'ERR_HUB_STATE',
  'ERR_DATA_TYPE',
  'ERR_CLOSE_ARGUMENT',
  'ERR_MESSAGE_EXPIRED',
  'ERR_HANDLER_TIMEOUT',
  'ERR_TOPIC',
  'ERR_ARGUMENT',
  'ERR_PING_TIMEOUT',
  'ERR_CONNECTION_CLOSED',
  'ERR_UPGRADE',
  'ERR_TLS',
  'ERR_AFFINITY',
  'ERR_BAD_MESSAGE',
  'ERR_RELOAD',
  'ERR_BROKER',
  'ERR_BROKER_UNAVAILABLE',
  'ERR_BROKER_BUSY',
  'ERR_TOPIC_PAYLOAD',
] as const;

/** What went wrong, as a stable word: see docs/errors.md for when each comes and what to do. */
export type HubErrorCode = (typeof HUB_ERROR_CODES)[number];

/** Thrown, and rejected with, by everything in shardhub. Match on `code`, never on the text. */
export class HubError extends Error {
  /** `HubError`, or the name of the class below it. */
  override readonly name: string = 'HubError';
  /** Which error it is. */
  readonly code: HubErrorCode;

  /** `options.cause` is what was underneath. */
  constructor(code: HubErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An error as plain data. */
export interface ErrorRecord {
  /** As on the error that was thrown, if it was a string: of a {@link HubError}, of Node.js, or the application's own. */
  readonly code?: string;
  /** Its text; for something that is no error, a description of it. */
  readonly message: string;
  /** Where it was thrown, in the worker; with the stacks of its causes. */
  readonly stack?: string;
}

/** Causes of an error whose stacks are kept. */
const MAX_CAUSES = 4;

/** Anything that was thrown, as plain data. Never throws: whatever an application throws is described somehow. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  try {
    if (thrown instanceof Error) {
      // Anything can be assigned to them.
      const { code, message } = thrown as { code?: unknown; message: unknown };
      const stack = stackOf(thrown);
      return {
        message: clip(String(message)),
        ...(typeof code === 'string' ? { code: clip(code) } : {}),
        ...(stack === undefined ? {} : { stack: clip(stack) }),
      };
    }
    return {
      message: typeof thrown === 'string' ? clip(thrown) : `a non-error was thrown: ${describe(thrown)}`,
    };
  } catch {
    return { message: 'something was thrown that cannot be described' };
  }
}

/** Longer text of an error is cut, in characters: it may hold a message of a peer, and is copied and logged. */
const MAX_TEXT = 16_384;

export function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

function stackOf(error: Error): string | undefined {
  const stacks: string[] = [];
  for (let at: unknown = error; at instanceof Error && stacks.length <= MAX_CAUSES; at = at.cause)
    if (typeof at.stack === 'string') stacks.push(at.stack);
  return stacks.length === 0 ? undefined : stacks.join('\ncaused by: ');
}

/** Anything that was thrown, as an error. Never throws. */
export function toError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
  } catch {
    // A proxy that was revoked.
  }
  return new Error(toErrorRecord(thrown).message, { cause: thrown });
}

/**
 * What a hook that may not wait has returned, for a message that says so. A promise's rejection, which nobody looks at,
 * would end the process: it is taken.
 */
export function describeReturned(value: unknown): string {
  if (!(value instanceof Promise)) return describe(value);
  value.catch(() => {});
  return 'a promise';
}

/** True for what is thrown when an `AbortSignal` has aborted. Never throws. */
export function isAbortError(thrown: unknown): boolean {
  try {
    return thrown instanceof Error && thrown.name === 'AbortError';
  } catch {
    return false;
  }
}

/** A value in a few words, for messages that name what was wrong. Never throws. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  try {
    if (ArrayBuffer.isView(value)) return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return `a value of the type ${typeof value}`;
  }
}
