/** Every server that can be measured, by name: what it is called and the command that starts it. */
import { fileURLToPath } from 'node:url';
import { listOptions } from 'shardhub';
import { findBun } from './lib/bun.mjs';
import { Child } from './lib/child.mjs';
import { LeftOut } from './lib/errors.mjs';
import { buildGorilla } from './lib/gorilla.mjs';

/** Microseconds that a worker of `shardhub-spin` looks for work before it sleeps. */
const SPIN_US = 50;

/**
 * @typedef {object} Setup what a row asks of its servers
 * @property {number} workers worker threads, where a server has any
 * @property {string} [handler] file: URL of the handler, where a server is shardhub; default echo
 * @property {object} [options] of the hub, where a server is shardhub
 * @property {string[]} [nodeFlags] for those that run on Node.js
 * @property {number} [subscribers] who subscribes, where a server counts them
 */

/**
 * @typedef {object} Server
 * @property {(setup: Setup) => string} title
 * @property {boolean} [mayReorder] its echoes are not expected in order
 * @property {boolean} [isAdded] by the command line
 * @property {(setup: Setup) => string[]} command program and arguments
 */

/** @type {Record<string, Server>} */
export const SERVERS = {
  uws: { title: () => 'uWebSockets.js alone', command: (setup) => control('uws', setup) },
  'uws-reading': {
    title: () => 'uWebSockets.js, reading who asks',
    command: (setup) => control('uws-reading', setup),
  },
  'uws-deferred': {
    title: () => 'uWebSockets.js, at the end of the poll phase',
    command: (setup) => control('uws-deferred', setup),
  },
  shardhub: { title: withWorkers, command: (setup) => shardhub(setup) },
  'shardhub-inline': {
    title: () => 'shardhub, workers: 0',
    command: (setup) => shardhub({ ...setup, workers: 0 }),
  },
  'shardhub-node': {
    title: (setup) => `${withWorkers(setup)}, engine node`,
    command: (setup) => withOption(setup, 'engine', 'node'),
  },
  'shardhub-spin': {
    title: (setup) => `${withWorkers(setup)}, spin`,
    command: (setup) => withOption(setup, 'spin', SPIN_US),
  },
  'shardhub-unmeasured': {
    title: (setup) => `${withWorkers(setup)}, metrics: false`,
    command: (setup) => shardhub(setup, { metrics: false }),
  },
  'shardhub-shared': {
    title: (setup) => `shardhub, two processes with ${workersOf(setup)}`,
    command: (setup) => shardhub(setup, {}, 'shardhub-shared'),
  },
  bun: { title: () => 'Bun', command: () => [findBun(), controlFile('bun')] },
  ws: { title: () => 'ws', command: (setup) => control('ws', setup) },
  gorilla: { title: () => 'gorilla/websocket (Go)', command: () => [buildGorilla()] },
  'piscina-per-message': {
    title: () => 'one piscina.run() per message',
    mayReorder: true,
    command: (setup) => control('piscina-per-message', setup, setup.workers),
  },
  'http-piscina': {
    title: () => 'node:http, piscina.run() per request',
    command: (setup) => control('http-piscina', setup, setup.workers),
  },
  'publish-uws': {
    title: () => 'uWebSockets.js, its own publish',
    command: (setup) => control('publish-uws', setup),
  },
  'publish-shardhub': {
    title: () => 'shardhub, hub.publish',
    command: (setup) => control('publish-shardhub', setup, workersJson(setup)),
  },
  'publish-broker': {
    title: () => 'shardhub, hub.publish with a NATS broker',
    command: (setup) => control('publish-shardhub', setup, workersJson(setup), 'nats'),
  },
  'publish-crossing': {
    title: () => 'shardhub, to another process (serve --processes)',
    command: (setup) => control('publish-crossing', setup, workersJson(setup), 'relay'),
  },
  'crossing-nats': {
    title: () => 'shardhub, to another hub by NATS',
    command: (setup) => control('publish-crossing', setup, workersJson(setup), 'nats'),
  },
  'crossing-nats-history': {
    title: () => 'shardhub, to another hub by JetStream',
    command: (setup) => control('publish-crossing', setup, workersJson(setup), 'nats', 'history'),
  },
  'crossing-bare': {
    title: () => 'the NATS client and uWebSockets.js alone',
    command: (setup) => control('publish-nats', setup, 'plain'),
  },
  'crossing-bare-history': {
    title: () => 'the JetStream client and uWebSockets.js alone',
    command: (setup) => control('publish-nats', setup, 'history'),
  },
  'fan-in-shardhub': {
    title: withWorkers,
    command: (setup) => control('fan-in-shardhub', setup, workersJson(setup), setup.subscribers),
  },
  'fan-in-uws': {
    title: () => 'the NATS client and uWebSockets.js on one thread',
    command: (setup) => control('fan-in-uws', setup, setup.subscribers, 'here'),
  },
  'fan-in-uws-thread': {
    title: () => 'the same, the client on a thread of its own',
    command: (setup) => control('fan-in-uws', setup, setup.subscribers, 'thread'),
  },
  'subscriptions-shardhub': {
    title: () => 'shardhub with a NATS broker',
    command: (setup) => control('subscriptions-shardhub', setup, workersJson(setup)),
  },
  'subscriptions-uws': {
    title: () => 'uWebSockets.js alone',
    command: (setup) => control('subscriptions-uws', setup),
  },
};

/** Adds a control that is not of this folder: a program that uses controls/support/control.mjs. */
export function addServer(name, file) {
  SERVERS[name] = { title: () => name, isAdded: true, command: (setup) => node(file, setup) };
}

/** @param {string} name @param {Setup} setup @throws LeftOut when it cannot run here */
export function startServer(name, setup) {
  return Child.start(name, SERVERS[name].command(setup));
}

function withWorkers(setup) {
  return `shardhub, ${workersOf(setup)}`;
}

const workersJson = ({ workers }) => JSON.stringify({ workers });

function workersOf({ workers }) {
  return `${workers} worker${workers === 1 ? '' : 's'}`;
}

function shardhub({ workers, handler, options, ...setup }, more = {}, name = 'shardhub') {
  return control(name, setup, JSON.stringify({ workers, handler, ...options, ...more }));
}

/** @throws LeftOut where the hub does not know the option */
function withOption(setup, name, value) {
  if (!listOptions().some((option) => option.name === name))
    throw new LeftOut(`this shardhub has no option ${name}`);
  return shardhub(setup, { [name]: value });
}

function control(name, setup, ...args) {
  return node(controlFile(name), setup, ...args);
}

function controlFile(name) {
  return fileURLToPath(new URL(`controls/${name}.mjs`, import.meta.url));
}

function node(file, { nodeFlags = [] }, ...args) {
  return [process.execPath, '--expose-gc', ...nodeFlags, file, ...args.map(String)];
}
