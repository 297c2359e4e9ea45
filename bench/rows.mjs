/** What is measured: one row per question, with the servers that are compared in it. */
import { burnHandler } from './handlers/burn.mjs';
import { measureEcho } from './measure/echo.mjs';
import { measureHttp } from './measure/http.mjs';
import { measureIdle } from './measure/idle.mjs';
import { measurePing } from './measure/ping.mjs';
import { measurePublish } from './measure/publish.mjs';

const KIB = 1024;
const ECHO_SERVERS = [
  'uws',
  'uws-deferred',
  'shardhub',
  'shardhub-inline',
  'ws',
  'gorilla',
  'piscina-per-message',
];
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
 * @property {string[]} [nodeFlags] see servers.mjs
 */

const echo = (id, title, load, rest = {}) => ({
  id,
  title,
  figure: 'messagesPerSecond',
  servers: ECHO_SERVERS,
  measure: measureEcho,
  load,
  ...rest,
});

/** @type {Row[]} */
export const ROWS = [
  echo('echo-64B-50x64', '64 B, 50 connections, 64 in flight each', {
    connections: 50,
    inFlight: 64,
    size: 64,
  }),
  echo('echo-64B-200x1', '64 B, 200 connections, 1 in flight each', {
    connections: 200,
    inFlight: 1,
    size: 64,
  }),
  echo('echo-1KiB-50x4', '1 KiB, 50 connections, 4 in flight each', {
    connections: 50,
    inFlight: 4,
    size: KIB,
  }),
  echo('echo-16KiB-50x4', '16 KiB, 50 connections, 4 in flight each', {
    connections: 50,
    inFlight: 4,
    size: 16 * KIB,
  }),
  echo(
    'latency-64B-1x1',
    '64 B, one connection, one in flight: round trip',
    { connections: 1, inFlight: 1, size: 64 },
    { figure: 'p50', servers: ['uws', 'shardhub', 'shardhub-spin', 'ws', 'gorilla'] },
  ),
  echo(
    'open-loop-20k',
    '64 B, 50 connections, 20,000 messages/s at a fixed rate: CPU of the front end thread',
    { connections: 50, size: 64, rate: 20_000 },
    { figure: 'cpuFrontEndMicros', servers: ['uws', 'shardhub', 'shardhub-inline', 'ws'] },
  ),
  {
    id: 'http-echo',
    title: 'POST /echo, 100 connections (autocannon)',
    figure: 'requestsPerSecond',
    servers: ['uws', 'shardhub', 'shardhub-inline', 'http-piscina'],
    measure: measureHttp,
    connections: 100,
    body: 'x'.repeat(64),
  },
  {
    id: 'idle-10k',
    title: '10,000 idle connections: memory of the process for each',
    figure: 'bytesPerConnection',
    servers: ['uws', 'shardhub', 'ws'],
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
    servers: ['publish-uws', 'publish-shardhub'],
    measure: measurePublish,
    subscribers: 5000,
    size: 64,
    inFlight: 16,
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
