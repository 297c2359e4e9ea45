/** The charts of the hub's own statistics: rates and gauges from the events of its stream. */
import { byId, onSubmit, setError } from './dom.js';
import { Feed, takeToken } from './feed.js';
import { formatLatency, formatNumber, formatSize } from './format.js';
import { Plot } from './plot.js';

/** Seconds, and so many points: there is one event a second. */
const SPAN = 60;

const STATES = {
  connecting: 'connecting…',
  live: 'live',
  token: 'not shown',
  lost: 'interrupted',
  hidden: 'paused',
};

const sum = (shards, key) => shards.reduce((total, shard) => total + shard[key], 0);
const outboundBytes = ({ outbound }) => outbound.queuedBytes + outbound.engineBytes;

/** `values` gets an event and the changes since the event before. */
const CHARTS = [
  {
    name: 'rate',
    title: 'Messages per second',
    format: formatNumber,
    series: [
      { name: 'in', label: 'in' },
      { name: 'out', label: 'out' },
    ],
    values: (_, { received, sent }) => [received, sent],
  },
  {
    name: 'latency',
    title: 'Through the hub (sampled, 10 s)',
    format: formatLatency,
    series: [
      { name: 'p50', label: 'p50' },
      { name: 'p99', label: 'p99' },
    ],
    values: ({ latency }) => [latency?.p50Ms, latency?.p99Ms],
  },
  {
    name: 'connections',
    title: 'Connections',
    format: formatNumber,
    series: [{ name: 'open', label: 'open' }],
    values: ({ stats }) => [stats.connections.open],
  },
  {
    name: 'batch',
    title: 'Messages per batch',
    format: formatNumber,
    series: [{ name: 'size', label: 'mean' }],
    values: (_, { batchSize }) => [batchSize],
  },
  {
    name: 'outbound',
    title: 'Outbound bytes queued',
    format: formatSize,
    top: 1024,
    series: [{ name: 'bytes', label: 'all connections' }],
    values: ({ stats }) => [outboundBytes(stats)],
  },
  {
    name: 'restarts',
    title: 'Worker restarts',
    format: formatNumber,
    series: [{ name: 'total', label: 'since the start' }],
    values: ({ stats }) => [stats.workerRestarts],
  },
];

/** One line for the I/O thread and one for each worker. */
function loopChart(workers) {
  const threads = Array.from({ length: workers }, (_, i) => ({ name: `worker-${i}`, label: `worker ${i}` }));
  return {
    name: 'loop',
    title: 'Event-loop delay of each thread',
    format: formatLatency,
    series: [{ name: 'front', label: 'I/O thread' }, ...threads],
    values: ({ loopDelay }) => [loopDelay.frontMs, ...loopDelay.workersMs],
  };
}

/** What happened between two events; undefined when they are not of one run of the hub. */
function change(before, { stats }) {
  const seconds = (stats.uptimeMs - before.uptimeMs) / 1000;
  if (!(seconds > 0)) return undefined;
  const batches = sum(stats.shards, 'batches') - sum(before.shards, 'batches');
  const messages = sum(stats.shards, 'messages') - sum(before.shards, 'messages');
  return {
    received: (stats.messages.received - before.messages.received) / seconds,
    sent: (stats.messages.sent - before.messages.sent) / seconds,
    batchSize: batches > 0 ? messages / batches : undefined,
  };
}

/** What drives the hub's sockets; where one was missing, how to get it. */
function engineText({ name, advice }) {
  return `Engine ${name}.${advice === undefined ? '' : ` ${advice}.`}`;
}

export class Statistics {
  #feed = new Feed({
    event: (event) => this.#onEvent(event),
    state: (state, text) => this.#onState(state, text),
  });
  #charts = [];
  #workers = -1;
  #before;

  constructor() {
    onSubmit('token-form', () => {
      const token = byId('token').value.trim();
      if (token === '') setError('token', 'Type the token that the hub was started with.');
      else this.#feed.start(token);
    });
  }

  /** @param access whether the hub serves statistics: open, token, closed or none */
  start(access) {
    // Also where it is not needed: it must not stay in the address bar.
    const token = takeToken();
    if (access === 'open') this.#feed.start(undefined);
    else if (access === 'token' && token !== undefined) this.#feed.start(token);
    else if (access === 'token') this.#onState('token', '');
    else this.#onState('none', CLOSED[access]);
  }

  #onEvent(event) {
    const { stats } = event;
    if (stats.shards.length !== this.#workers) this.#build(stats);
    const changes = (this.#before && change(this.#before, event)) ?? {};
    this.#before = stats;
    const now = Date.now() / 1000;
    for (const { plot, values } of this.#charts) plot.push(now, values(event, changes));
    byId('stats-note').textContent = engineText(stats.engine);
  }

  #build({ shards, workers }) {
    for (const { plot } of this.#charts) plot.destroy();
    this.#workers = shards.length;
    this.#charts = [...CHARTS, loopChart(workers)].map((chart) => ({
      ...chart,
      plot: new Plot({ ...chart, points: SPAN + 1, span: SPAN }),
    }));
    byId('charts').append(...this.#charts.map(({ plot }) => plot.element));
  }

  #onState(state, text) {
    byId('stats-state').textContent = STATES[state] ?? '';
    byId('stats-state').dataset.state = state;
    byId('token-form').hidden = state !== 'token';
    if (state === 'token') setError('token', text);
    else if (state !== 'connecting') byId('stats-note').textContent = text;
  }
}

const CLOSED = {
  closed:
    'This hub listens on more than a loopback address and has no token for its statistics: set its option statsToken (--stats-token).',
  none: 'This hub serves no statistics (its option http is off).',
};
