/** Numbers, times and close codes as text. */

/** Close codes in words (RFC 6455 §7.4.1 and the IANA registry). */
const CLOSE_CODES = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code given',
  1006: 'ended without a close frame',
  1007: 'invalid data',
  1008: 'policy violation',
  1009: 'message too big',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
};

export const count = (number) => number.toLocaleString('en');

export function formatTime(date) {
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export function formatSize(bytes) {
  if (bytes < 10_000) return `${count(Math.round(bytes))} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function formatDuration(ms) {
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** A latency: two digits below 10 ms. */
export function formatLatency(ms) {
  return ms < 10 ? `${ms.toFixed(2)} ms` : formatDuration(ms);
}

/** A rate or a mean: no more digits than say something. */
export function formatNumber(value) {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : count(Math.round(value));
}

export function formatClose(code, reason) {
  const name = CLOSE_CODES[code] ?? (code >= 4000 ? 'private code' : 'registered code');
  return `${code} (${name})${reason === '' ? '' : `, reason “${reason}”`}`;
}
