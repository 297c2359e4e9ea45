/** What is measured: one row per question, with the servers that are compared in it. */
import { burnHandler } from './handlers/burn.mjs';
import { measureEcho } from './measure/echo.mjs';
import { measureFanIn } from './measure/fan-in.mjs';
import { measureHttp } from './measure/http.mjs';
import { measureIdle } from './measure/idle.mjs';
import { measurePing } from './measure/ping.mjs';
import { measurePublish } from './measure/publish.mjs';
import { measureSubscriptions } from './measure/subscriptions.mjs';

const KIB = 1024;
const KB = 1000;
const ECHO_SERVERS = [
  'uws',
  'uws-deferred',
  'shardhub',
  'shardhub-node',
  'shardhub-inline',
  'bun',
  'ws',
  'gorilla',
  'piscina-per-message',
];
/** Those that could be faster, and the one that must not be. */
const FEW_SERVERS = ['uws', 'uws-deferred', 'shardhub', 'shardhub-node', 'shardhub-inline', 'bun', 'ws'];
/** Bounds of the hub that a load would pass. */
const DEEP = { maxInFlight: 5000 };
const BURN = burnHandler(100);
/** Enough in flight that no worker ever waits for a message. */
const BURN_LOAD = { connections: 50, inFlight: 4, size: 64 };

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {string} figure the figure that the row is about, a name of lib/figures.mjs
 * @property {string[]} servers
 * @property {Function} measure one measurement of one server: figures by name
 * @property {number} [workers] worker threads; else those of the settings
 * @property {string} [handler] see servers.mjs
 * @property {object} [options] of the hub, see servers.mjs
 * @property {string[]} [nodeFlags] see servers.mjs
 * @property {boolean} [tellsMemory] its servers are one process each, whose peak is told
 * @property {number} [subscribers] who subscribes
 * @property {boolean} [isOnPath] its load is one of bench:path
 * @property {import('./sweeps.mjs').Place} [sweep] the curve that it is a point of
 */

export const echo = (id, title, load, rest = {}) => ({
  id,
  title,
  figure: 'messagesPerSecond',
  servers: ECHO_SERVERS,
  measure: measureEcho,
  load,
  ...rest,
});

const titleOf = (name, connections, inFlight) =>
  `${name.replace(/[A-Z]/, ' $&')}, ${connections.toLocaleString('en-US')} connections, ${inFlight.toLocaleString('en-US')} in flight each`;

const echoOf = (name, size, connections, inFlight, rest) =>
  echo(
    `echo-${name}-${connections}x${inFlight}`,
    titleOf(name, connections, inFlight),
    { connections, inFlight, size },
    rest,
  );

/** @type {Row[]} */
export const ROWS = [
  ...[
    ['64B', 64, 50, 64],
    ['64B', 64, 200, 1],
    ['1KiB', KIB, 50, 4],
    ['16KiB', 16 * KIB, 50, 4],
  ].map((load) => echoOf(...load, { isOnPath: true })),
  ...[
    // About a connection's first share of the ring, and far beyond it.
    ['64B', 64, 50, 128],
    ['64B', 64, 50, 129],
    ['64B', 64, 50, 256],
    ['64B', 64, 8, 1000],
    ['1KiB', KIB, 50, 64],
    ['64KiB', 64 * KIB, 20, 4],
    ['300KB', 300 * KB, 8, 2],
    ['1MB', 1000 * KB, 4, 1],
    ['64B', 64, 10, 1],
    ['64B', 64, 5000, 1],
  ].map((load) => echoOf(...load, { servers: FEW_SERVERS, options: DEEP, tellsMemory: true })),
  ...[
    ['64B', 64, 50, 64],
    ['16KiB', 16 * KIB, 50, 4],
  ].map(([name, ...load]) => ({
    ...echoOf(name, ...load, { servers: ['uws', 'shardhub', 'shardhub-shared'] }),
    id: `shared-port-${name}-${load[1]}x${load[2]}`,
    title: `Two processes on one port: ${titleOf(name, ...load.slice(1))}`,
  })),
  echo(
    'metrics-64B-50x64',
    `What counting for /metrics costs: ${titleOf('64B', 50, 64)}`,
    { connections: 50, inFlight: 64, size: 64 },
    { servers: ['shardhub', 'shardhub-unmeasured'] },
  ),
  echo(
    'latency-64B-1x1',
    '64 B, one connection, one in flight: round trip',
    { connections: 1, inFlight: 1, size: 64 },
    { figure: 'p50', servers: ['uws', 'shardhub', 'shardhub-node', 'shardhub-spin', 'bun', 'ws', 'gorilla'] },
  ),
  echo(
    'open-loop-20k',
    '64 B, 50 connections, 20,000 messages/s at a fixed rate: CPU of the I/O thread',
    { connections: 50, size: 64, rate: 20_000 },
    { figure: 'cpuIoThreadMicros', servers: ['uws', 'shardhub', 'shardhub-inline', 'ws'] },
  ),
  {
    id: 'http-echo',
    title: 'POST /echo, 100 connections (autocannon)',
    figure: 'requestsPerSecond',
    servers: ['uws', 'uws-reading', 'shardhub', 'shardhub-inline', 'http-piscina'],
    measure: measureHttp,
    connections: 100,
    body: 'x'.repeat(64),
  },
  {
    id: 'idle-10k',
    title: '10,000 idle connections: memory of the process for each',
    figure: 'bytesPerConnection',
    servers: ['uws', 'uws-reading', 'shardhub', 'shardhub-node', 'ws'],
    measure: measureIdle,
    // How far the young generation has grown is no property of a connection: it is kept at its least.
    nodeFlags: ['--max-semi-space-size=1'],
    before: 2000,
    connections: 10_000,
  },
  {
    id: 'publish-5k',
    title: '64 B published to 5,000 subscribers',
    figure: 'deliveriesPerSecond',
    servers: ['publish-uws', 'publish-shardhub', 'publish-broker'],
    measure: measurePublish,
    subscribers: 5000,
    size: 64,
    inFlight: 16,
  },
  {
    id: 'publish-crossing',
    title: '64 B published to one subscriber, here and in another process',
    figure: 'deliveriesPerSecond',
    servers: ['publish-shardhub', 'publish-crossing'],
    measure: measurePublish,
    subscribers: 1,
    size: 64,
    inFlight: 64,
  },
  ...[
    ['crossing-nats', 'NATS', 'crossing-bare', 'crossing-nats'],
    ['crossing-nats-history', 'JetStream', 'crossing-bare-history', 'crossing-nats-history'],
  ].map(([id, by, ...servers]) => ({
    id,
    title: `64 B published to one subscriber of another node, by ${by}`,
    figure: 'deliveriesPerSecond',
    servers,
    measure: measurePublish,
    subscribers: 1,
    size: 64,
    inFlight: 1024,
    batch: 64,
  })),
  {
    id: 'fan-in-20k',
    title: '20,000 publications/s from another node, one subscriber here for each: round trip of a ping',
    figure: 'pingP99',
    servers: ['fan-in-uws', 'fan-in-uws-thread', 'fan-in-shardhub'],
    measure: measureFanIn,
    workers: 1,
    subscribers: 1000,
    size: 64,
    rate: 20_000,
    intervalMs: 2,
  },
  {
    id: 'subscriptions',
    title: '100,000 subscriptions of 200 topics that others have too: memory for each',
    figure: 'bytesPerSubscription',
    servers: ['subscriptions-uws', 'subscriptions-shardhub'],
    measure: measureSubscriptions,
    // As in idle-10k.
    nodeFlags: ['--max-semi-space-size=1'],
    before: 100,
    connections: 500,
    topics: 200,
  },
  echo('burn-100us', '100 µs of CPU per message, two workers against none', BURN_LOAD, {
    servers: ['shardhub-inline', 'shardhub'],
    handler: BURN,
    workers: 2,
  }),
  {
    id: 'ping-under-burn',
    title: 'Round trip of a ping while two workers are saturated',
    figure: 'pingP99',
    servers: ['shardhub-inline', 'shardhub'],
    measure: measurePing,
    handler: BURN,
    workers: 2,
    load: BURN_LOAD,
    intervalMs: 2,
  },
];
