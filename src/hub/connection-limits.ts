/** The bounds of one connection, and those of the process that it runs into. Types only. */
import type { OutboundLimits } from './outbound.js';
import type { RateLimit } from './rate-limit.js';

export interface ConnectionLimits extends OutboundLimits {
  readonly maxPayload: number;
  readonly highWaterMark: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytesPerConnection: number;
  readonly maxInFlightBytes: number;
  readonly overload: 'shed' | 'drop';
  readonly maxBufferedBytes: number;
  readonly rateLimit?: RateLimit | undefined;
}
