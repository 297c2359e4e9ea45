/** What one connection may have in flight, and when it is read again that was not, because of that. Pure. */
import type { Counters } from '../../telemetry/counters.js';
import type { ConnectionLimits } from './connection-limits.js';
import type { InboundEntry } from './connection-record.js';

/** True when a message more would pass a bound. One always fits, however large. hot: once per message. */
export function isOverBound(
  { isOpening, inFlight, inFlightBytes }: Readonly<InboundEntry>,
  length: number,
  { maxInFlight, maxInFlightBytesPerConnection }: ConnectionLimits,
): boolean {
  const messages = isOpening ? inFlight - 1 : inFlight;
  return messages >= maxInFlight || (messages > 0 && inFlightBytes + length > maxInFlightBytesPerConnection);
}

/** Once half of its bounds is free, and of the process's; whoever has nothing in flight holds up nobody. */
export function mayResume(
  { inFlight, inFlightBytes }: Readonly<InboundEntry>,
  { maxInFlight, maxInFlightBytesPerConnection, maxInFlightBytes }: ConnectionLimits,
  { inFlightWeight }: Counters,
): boolean {
  if (inFlight === 0) return true;
  const isHalf = 2 * inFlight <= maxInFlight && 2 * inFlightBytes <= maxInFlightBytesPerConnection;
  return isHalf && 2 * inFlightWeight <= maxInFlightBytes;
}
