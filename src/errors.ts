/**
 * The one error class of shardhub, and its plain form for the hop between threads
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
] as const;

export type HubErrorCode = (typeof HUB_ERROR_CODES)[number];

/** Thrown, and rejected with, by everything in shardhub. Match on `code`, never on the text. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code: HubErrorCode;

  constructor(code: HubErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An error as plain data. */
export interface ErrorRecord {
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
}

/** Anything that was thrown, as plain data. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  if (thrown instanceof Error) {
    const code = (thrown as { code?: unknown }).code;
    return {
      // Anything can be assigned to it.
      message: String(thrown.message),
      ...(typeof code === 'string' ? { code } : {}),
      ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    };
  }
  return { message: typeof thrown === 'string' ? thrown : `a non-error was thrown: ${describe(thrown)}` };
}

/** Anything that was thrown, as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(toErrorRecord(thrown).message, { cause: thrown });
}

/** A value in a few words, for messages that name what was wrong. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
