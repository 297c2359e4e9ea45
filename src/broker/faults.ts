/** What brokers fail with: the same words for every engine. */
import { HubError } from '../api/errors.js';
import { MAX_WAITING_BYTES } from './broker.js';

/** @param why in words, without credentials */
export function unusable(engine: string, why: string, cause?: unknown): HubError {
  return new HubError('ERR_BROKER', `the broker ${engine} cannot be used: ${why}`, { cause });
}

export function unavailable(engine: string, why: string, cause?: unknown): HubError {
  return new HubError('ERR_BROKER_UNAVAILABLE', `the broker ${engine} did not answer: ${why}`, { cause });
}

export function busy(engine: string): HubError {
  const text = `${MAX_WAITING_BYTES} bytes wait already to be sent to the broker ${engine}`;
  return new HubError('ERR_BROKER_BUSY', text);
}

export function tooLarge(engine: string, bytes: number, maxBytes: number): HubError {
  const text = `a publication takes ${bytes} bytes but the broker ${engine} takes at most ${maxBytes}`;
  return new HubError('ERR_TOPIC_PAYLOAD', text);
}

/** Several addresses that all fail make an error without a message. */
export function textOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return first instanceof Error ? first.message : String(first);
}
