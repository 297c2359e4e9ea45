/** The bounds of one connection, and those of the process that it runs into. */
import type { OutboundLimits } from './outbound.js';
import type { RateLimit } from './rate-limit.js';

/** The limits out of all options, in an object of their own: they are read for each message. */
export function connectionLimits(options: ConnectionLimits): ConnectionLimits {
  return {
    maxPayload: options.maxPayload,
    highWaterMark: options.highWaterMark,
    maxInFlight: options.maxInFlight,
    maxInFlightBytesPerConnection: options.maxInFlightBytesPerConnection,
    maxInFlightBytes: options.maxInFlightBytes,
    overload: options.overload,
    maxBufferedBytes: options.maxBufferedBytes,
    maxQueueBytes: options.maxQueueBytes,
    maxQueueMessages: options.maxQueueMessages,
    slowConsumer: options.slowConsumer,
    rateLimit: options.rateLimit,
  };
}

export interface ConnectionLimits extends OutboundLimits {
  readonly maxPayload: number;
  readonly highWaterMark: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytesPerConnection: number;
  readonly maxInFlightBytes: number;
  readonly overload: 'shed' | 'drop' | 'pause';
  readonly maxBufferedBytes: number;
  readonly rateLimit?: RateLimit | undefined;
}
