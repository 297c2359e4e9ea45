/** The figures of a measurement: what they are called, and how they are written. */

const whole = (value) => Math.round(value).toLocaleString('en-US');
const fine = (value) => (value >= 100 ? whole(value) : value.toPrecision(3));

/**
 * @typedef {object} Figure
 * @property {string} label
 * @property {string} unit
 * @property {(value: number) => string} format
 * @property {boolean} [lessIsBetter]
 */

/** @type {Record<string, Figure>} */
export const FIGURES = {
  messagesPerSecond: { label: 'messages', unit: 'msg/s', format: whole },
  requestsPerSecond: { label: 'requests', unit: 'req/s', format: whole },
  deliveriesPerSecond: { label: 'deliveries', unit: '/s', format: whole },
  p50: { label: 'p50', unit: 'ms', format: fine, lessIsBetter: true },
  p99: { label: 'p99', unit: 'ms', format: fine, lessIsBetter: true },
  p99_9: { label: 'p99.9', unit: 'ms', format: fine, lessIsBetter: true },
  pingP50: { label: 'ping p50', unit: 'ms', format: fine, lessIsBetter: true },
  pingP99: { label: 'ping p99', unit: 'ms', format: fine, lessIsBetter: true },
  pingMax: { label: 'ping max', unit: 'ms', format: fine, lessIsBetter: true },
  peakGrowthMib: { label: 'peak over idle', unit: 'MiB', format: fine, lessIsBetter: true },
  bytesPerConnection: { label: 'memory', unit: 'B/connection', format: whole, lessIsBetter: true },
  heapBytesPerConnection: { label: 'of it JavaScript', unit: 'B/connection', format: whole },
  bytesPerSubscription: { label: 'memory', unit: 'B/subscription', format: whole, lessIsBetter: true },
  heapBytesPerSubscription: { label: 'of it JavaScript', unit: 'B/subscription', format: whole },
  cpuIoThreadMicros: { label: 'I/O thread CPU', unit: 'µs each', format: fine, lessIsBetter: true },
  cpuProcessMicros: { label: 'process CPU', unit: 'µs each', format: fine, lessIsBetter: true },
  cpuIoThreadCores: { label: 'I/O thread busy', unit: 'cores', format: fine },
  cpuProcessCores: { label: 'process busy', unit: 'cores', format: fine },
  reordered: { label: 'out of order', unit: '', format: whole },
  lateSends: { label: 'sent late', unit: '', format: whole },
  clientCores: { label: 'client busy', unit: 'cores', format: fine },
};

/** A value with its unit, or a dash for one that could not be measured. @param {string} name @param {number | null | undefined} value */
export function formatFigure(name, value) {
  const { unit, format } = FIGURES[name];
  return value === null || value === undefined ? '–' : `${format(value)} ${unit}`.trim();
}
