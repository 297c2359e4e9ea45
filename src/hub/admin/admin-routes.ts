/** What an administrator can ask for, by method and path. Each answer is JSON, unless it is text. I/O thread. */
import { HubError } from '../../api/errors.js';
import type { Payload } from '../../api/payload.js';
import { METRICS_TYPE } from '../../telemetry/exposition.js';
import { TEXT_TYPE } from '../../util/headers.js';
import { checkCloseCode } from '../../wire/close.js';
import type { AdminHost } from './admin-host.js';
import { detailsOf, FILTERS, listConnections, matcher, PAGE_FIELDS } from './connection-list.js';
import { Fields } from './fields.js';
import { profile } from './profile.js';

export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AdminRoute {
  /** True when it changes something, or costs something: it needs `adminToken`. */
  readonly isChange: boolean;
  /** @param values what the query says, or for a change the body; `id` is from the path */
  run(host: AdminHost, values: Readonly<Record<string, unknown>>): AdminAnswer | Promise<AdminAnswer>;
}

const MAX_PROFILE_SECONDS = 60;
const MAX_WORKERS = 256;

const reads = (run: AdminRoute['run']): AdminRoute => ({ isChange: false, run });
const changes = (run: AdminRoute['run']): AdminRoute => ({ isChange: true, run });

/** `:id` stands for one part of a path. */
const ROUTES: Readonly<Record<string, AdminRoute>> = {
  'GET /healthz': reads(() => text(200, 'ok\n')),
  'GET /readyz': reads((host) => {
    const why = host.unready();
    return why === undefined ? text(200, 'ready\n') : text(503, `${why}\n`);
  }),
  'GET /metrics': reads((host) => ({ status: 200, type: METRICS_TYPE, body: host.metrics() })),
  'GET /stats': reads((host) => json(host.stats())),
  'GET /topics': reads((host) =>
    json({ topics: [...host.topics()].map(([topic, subscribers]) => ({ topic, subscribers })) }),
  ),
  'GET /connections': reads((host, values) =>
    json(listConnections(host.connections(), new Fields(values, PAGE_FIELDS))),
  ),
  'GET /connections/:id': reads((host, values) => {
    const id = new Fields(values, ['id']).need('id');
    for (const connection of host.connections())
      if (connection.id === id && !connection.isVirtual) return json(detailsOf(connection));
    return problem(404, `there is no connection ${id}`);
  }),
  'POST /disconnect': changes((host, values) => {
    const fields = new Fields(values, ['id', ...FILTERS, 'code', 'reason', 'all']);
    const { code, reason } = closeOf(fields);
    const id = fields.text('id');
    const isFiltered = [...FILTERS, 'id'].some((name) => values[name] !== undefined);
    if (!isFiltered && values.all !== true)
      fields.refuse('all', 'true, where no filter says which connections');
    const matches = matcher(fields);
    let closed = 0;
    for (const connection of host.connections()) {
      if ((id !== undefined && connection.id !== id) || !matches(connection)) continue;
      connection.closeAfterQueue(code, reason);
      closed++;
    }
    return json({ closed });
  }),
  'POST /publish': changes(async (host, values) => {
    const fields = new Fields(values, ['topic', 'data', 'base64']);
    const result = await host.publish(fields.need('topic'), payloadOf(fields));
    return json(typeof result === 'number' ? { queued: result } : result);
  }),
  'POST /broadcast': changes((host, values) =>
    json({ queued: host.broadcast(payloadOf(new Fields(values, ['data', 'base64']))) }),
  ),
  'POST /drain': changes((host, values) => {
    host.drain(new Fields(values, ['timeoutMs']).integer('timeoutMs', 0, 3_600_000));
    return json({ draining: true });
  }),
  'GET /handlers': reads((host) => json({ shards: host.handlers() })),
  'POST /reload': changes(async (host, values) => {
    const fields = new Fields(values, ['handler', 'canary', 'canaryMs']);
    const handler = fields.text('handler');
    const canary = fields.integer('canary', 0, MAX_WORKERS);
    const canaryMs = fields.integer('canaryMs', 1, 86_400_000);
    const options = { handler, canary, canaryMs };
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    return json(await host.reload(Object.fromEntries(given)));
  }),
  'POST /resize': changes(async (host, values) => {
    const fields = new Fields(values, ['workers']);
    const workers = fields.integer('workers', 1, MAX_WORKERS);
    return json(await host.resize(workers ?? fields.refuse('workers', 'an integer, and is needed')));
  }),
  'GET /log-level': reads((host) => json({ level: host.logLevel() })),
  'POST /log-level': changes((host, values) => {
    host.setLogLevel(new Fields(values, ['level']).need('level'));
    return json({ level: host.logLevel() });
  }),
  'GET /presence': reads(async (host, values) =>
    json(await host.presence(new Fields(values, ['topic']).need('topic'))),
  ),
  'POST /profile': changes(async (host, values) => {
    const fields = new Fields(values, ['seconds', 'shard']);
    const seconds = fields.integer('seconds', 1, MAX_PROFILE_SECONDS) ?? 5;
    const shard = fields.integer('shard', 0, MAX_WORKERS - 1);
    const thread = shard === undefined ? undefined : host.threadOf(shard);
    if (shard !== undefined && thread === undefined) fields.refuse('shard', 'one that has a worker just now');
    return json(await profile(seconds, thread));
  }),
};

export interface FoundRoute {
  /** Its method, and its path with `:id`. */
  readonly key: string;
  readonly route: AdminRoute;
  readonly id?: string;
}

/** The route of a request with what its path says, or the methods that the path takes. */
export function findRoute(method: string, path: string): FoundRoute | string[] {
  const [, id] = /^\/connections\/([^/]+)$/.exec(path) ?? [];
  const at = id === undefined ? path : '/connections/:id';
  const key = `${method === 'HEAD' ? 'GET' : method} ${at}`;
  const route = ROUTES[key];
  if (route !== undefined) return id === undefined ? { key, route } : { key, route, id: decode(id) };
  return Object.keys(ROUTES).flatMap((key) => (key.endsWith(` ${at}`) ? key.split(' ', 1) : []));
}

/** What is no encoding is taken as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function closeOf(fields: Fields): { code: number; reason: string } {
  const code = fields.integer('code', 1000, 4999) ?? 1000;
  checkCloseCode(code);
  return { code, reason: fields.text('reason') ?? 'closed by an administrator' };
}

/** @throws HubError `ERR_ARGUMENT` */
function payloadOf(fields: Fields): Payload {
  const base64 = fields.text('base64');
  if (base64 === undefined) return fields.need('data');
  if (fields.text('data') !== undefined) fields.refuse('base64', 'the place of data, not both');
  return Buffer.from(base64, 'base64');
}

function json(value: unknown): AdminAnswer {
  return { status: 200, type: 'application/json', body: JSON.stringify(value) };
}

function text(status: number, body: string): AdminAnswer {
  return { status, type: TEXT_TYPE, body };
}

export function problem(status: number, error: string): AdminAnswer {
  return { status, type: 'application/json', body: JSON.stringify({ error }) };
}

/** What somebody did wrong is told; the rest is the hub's fault. */
export function answerOf(error: unknown): AdminAnswer {
  return error instanceof HubError ? problem(400, error.message) : problem(500, 'the hub failed to do this');
}
