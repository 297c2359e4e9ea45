/** Options of what the application adds, of the hub's own pages, and of its log. */
import { z } from 'zod';
import type { PingListener, PongListener } from '../api/events.js';
import type { Logger } from '../api/logger.js';
import { parseListenAddress } from '../util/listen-address.js';
import { flag, integer, isFunction, option } from './meta.js';

const heartbeatSchema = z.strictObject({
  intervalMs: z
    .int()
    .min(100)
    .max(86_400_000)
    .describe('time between two messages, in ms, from 100 to 86400000'),
  payload: z
    .union([z.string(), z.custom<Uint8Array>((value) => value instanceof Uint8Array)])
    .default('heartbeat')
    .describe('the message: text or bytes; default: "heartbeat"'),
  binary: z
    .boolean()
    .default(false)
    .describe('send it as a binary frame, not as text (UTF-8); default: false'),
});

function token(description: string) {
  const schema = z.string().regex(/^[A-Za-z0-9\-._~+/]{16,256}=*$/);
  return option(schema.optional(), {
    description,
    takes: 'a secret of 16 to 256 characters: letters, digits and - . _ ~ + /',
    cli: { kind: 'string', value: 'token' },
  });
}

function isLogger(value: unknown): value is Logger {
  const methods = ['error', 'warn', 'info', 'debug'] as const;
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  );
}

export const applicationOptions = {
  maxSubscriptions: integer(
    1,
    1_000_000,
    1000,
    'topics',
    'topics that one connection may be subscribed to; one more closes it (1008)',
  ),
  heartbeat: option(heartbeatSchema.optional(), {
    description: 'a message that every connection is sent at a fixed beat, beside the pings of the protocol',
    takes:
      'intervalMs (an integer from 100 to 86400000), payload (a string or a Uint8Array, default "heartbeat") and binary (true or false, default false)',
  }),
  onPing: option(z.custom<PingListener>(isFunction).optional(), {
    description: 'called with the connection and the payload when a ping arrives (also an event)',
    takes: 'a function',
  }),
  onPong: option(z.custom<PongListener>(isFunction).optional(), {
    description:
      'called with the connection, the payload and the round trip (ms) when a pong arrives (also an event)',
    takes: 'a function',
  }),
  drainDelayMs: option(z.int().min(0).max(3_600_000).default(0), {
    description:
      'how long a shutdown still accepts connections while /readyz says 503, so that load balancers look elsewhere; at most half of drainTimeoutMs',
    takes: 'an integer from 0 to 3600000 (ms)',
    fallbackText: '0; 5000 under `shardhub serve` when it does not write to a terminal',
    cli: { kind: 'integer', value: 'ms' },
  }),
  drainPerSecond: option(z.union([z.literal('auto'), z.int().min(1).max(1_000_000)]).default('auto'), {
    description:
      'connections that a shutdown closes in a second, in random order, idle ones first; more where drainTimeoutMs would not do; auto spreads them over the time, at least 100',
    takes: 'an integer from 1 to 1000000 (connections per second), or "auto"',
    cli: {
      kind: 'integer',
      value: 'connections|auto',
      takes: 'an integer from 1 to 1000000 (connections per second), or auto',
    },
  }),
  drainTimeoutMs: integer(
    0,
    3_600_000,
    25_000,
    'ms',
    'how long a shutdown takes at most, from its first moment: the delay, messages in flight and outbound queues; then what is left is cut',
  ),
  drainRetryMs: integer(
    0,
    3_600_000,
    0,
    'ms',
    'a shutdown tells each connection, in its close reason, to retry after a random time of up to this; 0 tells nothing',
  ),
  http: flag(true, 'serve /healthz, /readyz, /stats, /stats/stream, /metrics and POST /echo'),
  metrics: flag(true, 'count for /metrics, and serve it (part of http)'),
  console: flag(false, 'serve the console page on / (on by default in `shardhub serve`)'),
  statsToken: token(
    'what /stats, /stats/stream and /metrics ask for (Authorization: Bearer …); needed when host is not a loopback address',
  ),
  adminListen: option(
    z
      .string()
      .refine((text) => parseListenAddress(text) !== undefined)
      .optional(),
    {
      description:
        'where administrators are served (see docs/operating.md): an address and a port, or the path of a Unix socket that only its owner may open',
      takes:
        'host:port, such as 127.0.0.1:9090 or [::1]:9090, or a path that begins with / or ./ and has at most 103 bytes',
      cli: { kind: 'string', value: 'host:port|path' },
    },
  ),
  adminToken: token(
    'what adminListen asks for what changes something (Authorization: Bearer …), unless it is a Unix socket; statsToken opens what only reads',
  ),
  logLevel: option(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('warn'), {
    description: 'least severe log line that is written (to stderr, as JSON)',
    takes: '"fatal", "error", "warn", "info", "debug", "trace" or "silent"',
    cli: { kind: 'string', value: 'level' },
  }),
  logger: option(z.custom<Logger>(isLogger).optional(), {
    description: 'a pino-compatible logger that is used instead',
    takes: 'an object with the methods error, warn, info and debug',
  }),
};
