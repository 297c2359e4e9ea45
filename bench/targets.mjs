/**
 * What the rows have to reach: ratios of medians to another server in the same run, or bounds. They are about two
 * workers or fewer and a generator on the same machine.
 */
import { ROWS } from './rows.mjs';
import { SWEEPS } from './sweeps.mjs';

/**
 * @typedef {object} Target
 * @property {string} row
 * @property {string} figure
 * @property {string} server whose figure it is
 * @property {string} [against] the other server; without one the figure itself is bounded
 * @property {'ratio' | 'difference'} [by] how the two are compared; default ratio
 * @property {number} [min]
 * @property {number} [max]
 */

const ECHO_ROWS = ROWS.filter(({ id }) => id.startsWith('echo-'));
const messages = (row, against, min, server = 'shardhub') => ({
  row,
  figure: 'messagesPerSecond',
  server,
  against,
  min,
});
const deliveries = (row, server, against, min) => ({
  row,
  figure: 'deliveriesPerSecond',
  server,
  against,
  min,
});

/** The least ratio to the engine alone. */
const TO_ENGINE = {
  'echo-64B-50x64': 0.85,
  'echo-64B-200x1': 0.95,
  'echo-1KiB-50x4': 0.85,
  'echo-16KiB-50x4': 0.87,
  'echo-64B-50x128': 0.75,
  'echo-64B-50x129': 0.75,
  'echo-64B-50x256': 0.75,
  'echo-64B-8x1000': 0.75,
  'echo-1KiB-50x64': 0.75,
  'echo-64KiB-20x4': 0.75,
  'echo-300KB-8x2': 0.65,
  'echo-1MB-4x1': 0.6,
  'echo-64B-10x1': 0.75,
  'echo-64B-5000x1': 0.84,
};
/** The same of engine `node`, which reads many messages with one call. */
const NODE_TO_ENGINE = {
  'echo-64B-50x64': 1.2,
  'echo-64B-50x256': 1.5,
  'echo-64B-200x1': 0.65,
  'echo-1KiB-50x4': 0.7,
  'echo-16KiB-50x4': 0.65,
  'echo-64KiB-20x4': 0.65,
  'echo-1MB-4x1': 0.6,
};
/** The least ratio to others, in the rows that they are in. */
const TO_OTHERS = { ws: 1, gorilla: 1.2, 'piscina-per-message': 3 };

/** @type {Target[]} */
export const TARGETS = [
  ...Object.entries(TO_ENGINE).map(([row, min]) => messages(row, 'uws', min)),
  ...Object.entries(NODE_TO_ENGINE).map(([row, min]) => messages(row, 'uws', min, 'shardhub-node')),
  ...ECHO_ROWS.map(({ id }) => messages(id, 'ws', 1, 'shardhub-node')),
  { row: 'echo-1MB-4x1', figure: 'peakGrowthMib', server: 'shardhub', max: 64 },
  { row: 'echo-16KiB-50x4', figure: 'p99', server: 'shardhub', against: 'uws', max: 1.5 },
  ...ECHO_ROWS.flatMap(({ id, servers }) =>
    Object.entries(TO_OTHERS)
      .filter(([name]) => servers.includes(name))
      .map(([name, min]) => messages(id, name, min)),
  ),
  // Never slower than ws, whatever the load.
  ...SWEEPS.map(({ id }) => messages(id, 'ws', 1)),
  { row: 'latency-64B-1x1', figure: 'p50', server: 'shardhub', against: 'uws', max: 1.8 },
  { row: 'latency-64B-1x1', figure: 'p50', server: 'shardhub-spin', against: 'uws', max: 1.3 },
  { row: 'open-loop-20k', figure: 'cpuIoThreadMicros', server: 'shardhub', against: 'uws', max: 1.6 },
  { row: 'open-loop-20k', figure: 'p99', server: 'shardhub', against: 'uws', max: 2 },
  { row: 'http-echo', figure: 'requestsPerSecond', server: 'shardhub', against: 'uws', min: 0.88 },
  {
    row: 'idle-10k',
    figure: 'bytesPerConnection',
    server: 'shardhub',
    against: 'uws',
    by: 'difference',
    max: 400,
  },
  {
    row: 'idle-10k',
    figure: 'bytesPerConnection',
    server: 'shardhub-node',
    against: 'ws',
    by: 'difference',
    max: 700,
  },
  { row: 'idle-10k', figure: 'cpuIoThreadMicros', server: 'shardhub', against: 'uws', max: 1.35 },
  deliveries('publish-5k', 'publish-shardhub', 'publish-uws', 0.9),
  deliveries('publish-5k', 'publish-broker', 'publish-shardhub', 0.95),
  deliveries('crossing-nats', 'crossing-nats', 'crossing-bare', 0.7),
  deliveries('crossing-nats-history', 'crossing-nats-history', 'crossing-bare-history', 0.8),
  { row: 'fan-in-20k', figure: 'pingP99', server: 'fan-in-shardhub', max: 10 },
  { row: 'subscriptions', figure: 'bytesPerSubscription', server: 'subscriptions-shardhub', max: 150 },
  messages('burn-100us', 'shardhub-inline', 1.6),
  { row: 'ping-under-burn', figure: 'pingP99', server: 'shardhub', max: 10 },
];

/**
 * @param {Target[]} targets
 * @param {object[]} rows of the results
 * @returns {(Target & { value: number | null, verdict: 'met' | 'missed' | 'skipped', reason?: string })[]} of the
 *   rows that were measured; skipped where a server was left out
 */
export function judge(targets, rows) {
  return rows.flatMap((row) =>
    targets
      .filter((target) => target.row === row.id)
      .map((target) => ({ ...target, ...judgeOne(target, row) })),
  );
}

function judgeOne({ figure, server, against, by = 'ratio', min, max }, row) {
  const names = against === undefined ? [server] : [server, against];
  const missing = names.find((name) => medianOf(row, name, figure) === null);
  if (missing !== undefined)
    return { value: null, verdict: 'skipped', reason: whyMissing(row, missing, figure) };
  const own = medianOf(row, server, figure);
  const other = against === undefined ? 0 : medianOf(row, against, figure);
  const value = against === undefined || by === 'difference' ? own - other : own / other;
  const isMet = (min === undefined || value >= min) && (max === undefined || value <= max);
  return { value, verdict: isMet ? 'met' : 'missed' };
}

function medianOf(row, server, figure) {
  return row.servers.find(({ name }) => name === server)?.summary[figure]?.median ?? null;
}

function whyMissing(row, server, figure) {
  const { reason } = row.leftOut.find(({ name }) => name === server) ?? {};
  if (reason !== undefined) return reason;
  const isThere = row.servers.some(({ name }) => name === server);
  return isThere ? `${figure} of ${server} could not be measured` : `${server} was not measured`;
}
