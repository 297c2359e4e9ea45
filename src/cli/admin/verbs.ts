/** What `shardhub admin` can do: each verb with its arguments, the request that it makes, and how its answer is shown. */
import { columns } from './columns.js';

export interface AdminCall {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface Verb {
  /** As it is typed, with its arguments. */
  readonly usage: string;
  readonly description: string;
  /** Flags by the field that they fill: how each is typed, and what it does. */
  readonly flags: Readonly<Record<string, readonly [usage: string, description: string]>>;
  call(args: readonly string[], flags: Readonly<Record<string, string>>): AdminCall;
  /** For people. */
  show(answer: never): string;
}

const FILTERS = {
  user: ['--user <id>', 'of this user'],
  topic: ['--topic <topic>', 'subscribed to this topic'],
  route: ['--route <path>', 'that came in by this path'],
  shard: ['--shard <number>', 'of this shard'],
  minAgeSeconds: ['--min-age-seconds <seconds>', 'that are at least so old'],
  minBufferedBytes: ['--min-buffered-bytes <bytes>', 'whose peers have so much to read'],
} as const;
const NUMBERS = [
  'shard',
  'minAgeSeconds',
  'minBufferedBytes',
  'code',
  'timeoutMs',
  'seconds',
  'canary',
  'canaryMs',
  'workers',
];

const CONNECTION_COLUMNS = {
  id: 'id',
  user: 'user',
  route: 'route',
  shard: 'shard',
  remoteAddress: 'address',
  state: 'state',
  ageSeconds: 'age (s)',
  inFlight: 'in flight',
  bufferedBytes: 'buffered',
  topics: 'topics',
};

const HANDLER_COLUMNS = {
  shard: 'shard',
  generation: 'generation',
  handler: 'handler',
  loadedAt: 'loaded at',
};

type Row = Readonly<Record<string, unknown>>;

const json = (answer: unknown) => JSON.stringify(answer, undefined, 2);

function showReplaced({ generation, tookMs, pauseMs }: Record<'generation' | 'tookMs' | 'pauseMs', number>) {
  return `generation ${generation} runs, after ${Math.round(tookMs)} ms; messages waited ${Math.ceil(pauseMs)} ms at most`;
}

export const VERBS: readonly Verb[] = [
  {
    usage: 'connections',
    description: 'list connections',
    flags: {
      ...FILTERS,
      sort: ['--sort <key>', 'age, buffered-bytes, in-flight or in-flight-bytes: the most of it first'],
      limit: ['--limit <number>', 'at most so many, from 1 to 1000; default: 100'],
      after: ['--after <id>', 'the page behind this one'],
    },
    call: (_, flags) => ({ method: 'GET', path: `/connections?${new URLSearchParams(flags)}` }),
    show: ({ total, connections, next }: { total: number; connections: Row[]; next?: string }) => {
      const more = next === undefined ? '' : `; more with --after ${next}`;
      return `${columns(connections, CONNECTION_COLUMNS)}\n${connections.length} of ${total}${more}`;
    },
  },
  {
    usage: 'connection <id>',
    description: 'show a connection and its queues',
    flags: {},
    call: ([id = '']) => ({ method: 'GET', path: `/connections/${encodeURIComponent(id)}` }),
    show: json,
  },
  {
    usage: 'disconnect [id]',
    description: 'close a connection, or all that the filters name',
    flags: {
      ...FILTERS,
      code: ['--code <code>', 'close code; default: 1000'],
      reason: ['--reason <text>', 'close reason'],
      all: ['--all', 'every connection'],
    },
    call: ([id], flags) => post('/disconnect', { ...(id !== undefined && { id }), ...flags }),
    show: ({ closed }: { closed: number }) => `${closed} closed`,
  },
  {
    usage: 'publish <topic> <text>',
    description: 'send a text to the subscribers of a topic',
    flags: {},
    call: ([topic, data]) => post('/publish', { topic, data }),
    show: ({ queued }: { queued: number }) => `sent to ${queued}`,
  },
  {
    usage: 'broadcast <text>',
    description: 'send a text to every connection',
    flags: {},
    call: ([data]) => post('/broadcast', { data }),
    show: ({ queued }: { queued: number }) => `sent to ${queued}`,
  },
  {
    usage: 'topics',
    description: 'list topics and how many are subscribed to each',
    flags: {},
    call: () => ({ method: 'GET', path: '/topics' }),
    show: ({ topics }: { topics: Row[] }) => columns(topics, { topic: 'topic', subscribers: 'subscribers' }),
  },
  {
    usage: 'stats',
    description: 'print the statistics',
    flags: {},
    call: () => ({ method: 'GET', path: '/stats' }),
    show: json,
  },
  {
    usage: 'drain',
    description: 'shut the hub down as SIGTERM does; again, with a time: hurry',
    flags: { timeoutMs: ['--timeout-ms <ms>', 'longest time that it may take'] },
    call: (_, flags) => post('/drain', flags),
    show: () => 'the hub drains',
  },
  {
    usage: 'reload [handler]',
    description: 'load the handlers afresh without closing a connection, or another one',
    flags: {
      canary: ['--canary <shards>', 'so many shards first, which go back when they are worse'],
      canaryMs: ['--canary-ms <ms>', 'how long those are watched; default: 10000'],
    },
    call: ([handler], flags) => post('/reload', { ...(handler !== undefined && { handler }), ...flags }),
    show: showReplaced,
  },
  {
    usage: 'resize <workers>',
    description: 'change the number of workers without closing a connection',
    flags: {},
    call: ([workers]) => post('/resize', { workers }),
    show: showReplaced,
  },
  {
    usage: 'handlers',
    description: 'list what each shard runs',
    flags: {},
    call: () => ({ method: 'GET', path: '/handlers' }),
    show: ({ shards }: { shards: Row[] }) => columns(shards, HANDLER_COLUMNS),
  },
  {
    usage: 'log-level [level]',
    description: 'print the level of the log, or change it while the hub runs',
    flags: {},
    call: ([level]) =>
      level === undefined ? { method: 'GET', path: '/log-level' } : post('/log-level', { level }),
    show: ({ level }: { level?: string }) => level ?? 'the logger does not tell',
  },
  {
    usage: 'presence <topic>',
    description: 'list who is subscribed to a topic, in every hub',
    flags: {},
    call: ([topic = '']) => ({ method: 'GET', path: `/presence?${new URLSearchParams({ topic })}` }),
    show: json,
  },
  {
    usage: 'profile',
    description:
      'print a CPU profile of the I/O thread, or of a worker, for the developer tools of Chrome (.cpuprofile)',
    flags: {
      seconds: ['--seconds <seconds>', 'how long, from 1 to 60; default: 5'],
      shard: ['--shard <number>', 'of the worker of this shard'],
    },
    call: (_, flags) => post('/profile', flags),
    show: (answer) => JSON.stringify(answer),
  },
];

function post(path: string, fields: Readonly<Record<string, unknown>>): AdminCall {
  const typed = Object.entries(fields).map(([name, value]) => [
    name,
    NUMBERS.includes(name) && /^\d+$/.test(String(value)) ? Number(value) : value,
  ]);
  return { method: 'POST', path, body: Object.fromEntries(typed) };
}
