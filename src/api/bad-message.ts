/** How a handler says that a message is not what it takes, and how that crosses to the I/O thread. */
import { CloseCode, isSendableCloseCode } from './close-codes.js';
import { clip, describe, type ErrorRecord, HubError, toErrorRecord } from './errors.js';

/**
 * For a handler to throw when a message is not what it takes: that is the client's fault. Its connection is closed, with
 * the text as the reason, whatever `onHandlerError` says; nothing is logged as an error, and no `handlerError` is emitted.
 */
export class BadMessageError extends HubError {
  override readonly name = 'BadMessageError';
  /** What the connection is closed with. */
  readonly closeCode: number;

  /**
   * @param reason for the client; at most 123 bytes of UTF-8 are sent
   * @param options `closeCode` is what `connection.close` takes; default: 1007
   * @throws HubError `ERR_CLOSE_ARGUMENT` for a code that may not be sent
   */
  constructor(reason: string, options: ErrorOptions & { readonly closeCode?: number } = {}) {
    const { closeCode = CloseCode.InvalidPayload } = options;
    if (!isSendableCloseCode(closeCode))
      throw new HubError('ERR_CLOSE_ARGUMENT', `close code ${describe(closeCode)} may not be sent`);
    super('ERR_BAD_MESSAGE', reason, options);
    this.closeCode = closeCode;
  }
}

/** True for a {@link BadMessageError}, also of another copy of the package (a bundle has its own). Never throws. */
export function isBadMessage(thrown: unknown): thrown is BadMessageError {
  try {
    if (!(thrown instanceof Error)) return false;
    const { code, closeCode, message } = thrown as Partial<BadMessageError>;
    return code === 'ERR_BAD_MESSAGE' && isSendableCloseCode(closeCode!) && typeof message === 'string';
  } catch {
    return false;
  }
}

/** What a hook threw, for the I/O thread. */
export interface FailureRecord extends ErrorRecord {
  /** Of a {@link BadMessageError}. */
  readonly closeCode?: number;
}

/** What a hook threw, as plain data. Never throws. */
export function toFailureRecord(thrown: unknown): FailureRecord {
  if (!isBadMessage(thrown)) return toErrorRecord(thrown);
  const { code, message, closeCode } = thrown;
  return { code, message: clip(message), closeCode };
}
