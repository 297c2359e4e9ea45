/**
 * Curves: the throughput of echoes over one size of the load, so that a cliff between two rows is seen. Each point is a
 * row; `npm run bench:sweep` measures them, and the report draws them.
 */
import { echo } from './rows.mjs';

const KIB = 1024;
const SERVERS = ['uws', 'shardhub', 'ws'];

/**
 * @typedef {object} Place where a row stands in its curve
 * @property {string} id of the curve
 * @property {string} title
 * @property {string} axis what is along it
 * @property {number} x
 */

const sweep = (id, title, axis, values, loadOf) =>
  values.map((x) =>
    echo(`${id}-${x}`, `${title}: ${axis} ${x}`, loadOf(x), {
      servers: SERVERS,
      // Bounds that the load would pass.
      options: { maxInFlight: 5000 },
      sweep: { id, title, axis, x },
    }),
  );

/** @type {import('./rows.mjs').Row[]} */
export const SWEEPS = [
  ...sweep(
    'sweep-in-flight',
    '64 B on 50 connections',
    'messages in flight on each',
    [1, 2, 4, 8, 16, 32, 64, 128, 129, 256, 512, 1000, 2048, 4096],
    (inFlight) => ({ connections: 50, inFlight, size: 64 }),
  ),
  ...sweep(
    'sweep-size',
    '20 connections, 4 in flight on each',
    'bytes of a message',
    // The generator puts 12 bytes of its own into each.
    [
      12,
      125,
      126,
      1000,
      2047,
      2048,
      4096,
      16 * KIB,
      64 * KIB - 1,
      64 * KIB,
      256 * KIB,
      256 * KIB + 1,
      512 * KIB,
      1024 * KIB,
    ],
    (size) => ({ connections: 20, inFlight: 4, size }),
  ),
  ...sweep(
    'sweep-connections',
    '64 B, one in flight on each',
    'connections',
    [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000],
    (connections) => ({ connections, inFlight: 1, size: 64 }),
  ),
];
