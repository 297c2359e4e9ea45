/**
 * The one options schema: defaults, bounds, command-line flags, environment names and their descriptions
 * all come from here.
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { HubError, describe as show } from './errors.js';
import { handshakeOptions, listenOptions } from './front-options.js';
import { flag, integer, KIB, MIB, type OptionMeta, option } from './option.js';
import type { UpgradeHook } from './upgrade.js';

const rate = z.number().positive().max(1e12);
/** Tokens of a bucket that refills all the time (a token bucket): what passes in a second, and at once. */
const rateLimitSchema = z
  .strictObject({
    messages: rate.optional(),
    bytes: rate.optional(),
    burst: z.number().min(1).max(3600).default(1),
  })
  .refine((limit) => limit.messages !== undefined || limit.bytes !== undefined);

/** The engine's own bounds: any other value aborts the process (uWebSockets.js asserts them in C++). */
const IDLE_TIMEOUT = z
  .int()
  .refine((s) => s === 0 || (s >= 8 && s <= 960 && s % 4 === 0))
  .default(60);

const optionsShape = z.strictObject({
  host: option(z.string().min(1).default('127.0.0.1'), {
    description: 'address to listen on',
    takes: 'an IP address or a host name',
    cli: { kind: 'string', value: 'address' },
  }),
  port: integer(0, 65_535, 8080, 'port', 'port to listen on; 0 picks a free one'),
  sharePort: flag(false, 'let other processes listen on the same port (SO_REUSEPORT)'),
  ...listenOptions,
  path: option(
    z
      .string()
      .regex(/^\/[^\s?#*:]*$/)
      .default('/ws'),
    {
      description: 'path of the WebSocket endpoint',
      takes:
        'a path that starts with "/", has no spaces and none of ? # * :, and is not one that the hub serves itself (http, console)',
      cli: { kind: 'string', value: 'path' },
    },
  ),
  handler: option(z.union([z.string().min(1), z.instanceof(URL)]).default('echo'), {
    description: 'what processes the messages: echo, done, or the path of a module with a default export',
    takes: 'the name of a built-in handler, a path, or a file: URL',
    cli: { kind: 'string', value: 'name|path' },
  }),
  workers: option(
    z
      .int()
      .min(0)
      .max(256)
      .default(() => Math.max(1, availableParallelism() - 1)),
    {
      description: 'worker threads; 0 runs the handler on the front end thread (default: cores less one)',
      takes: 'an integer from 0 to 256 (threads)',
      cli: { kind: 'integer', value: 'threads' },
    },
  ),
  ...handshakeOptions,
  maxPayload: integer(
    1,
    256 * MIB,
    MIB,
    'bytes',
    'largest message that is taken; a larger one is answered with close code 1009',
  ),
  idleTimeout: option(IDLE_TIMEOUT, {
    description: 'a peer that is silent for so long is closed; pinged shortly before; 0 is never',
    takes: '0, or a multiple of 4 from 8 to 960 (seconds)',
    cli: { kind: 'integer', value: 'seconds' },
  }),
  sendPings: flag(true, 'ping a silent peer shortly before its idle timeout'),
  maxLifetime: integer(0, 240, 0, 'minutes', 'longest life of a connection; 0 is no limit'),
  handlerTimeoutMs: integer(
    0,
    86_400_000,
    30_000,
    'ms',
    'longest time that a hook may take: a loop past it gets its thread replaced, a promise its connection closed (1011); 0 is no limit',
  ),
  onHandlerError: option(z.enum(['close', 'ignore']).default('close'), {
    description: 'what a hook that throws or rejects costs its connection: close (1011), or ignore',
    takes: '"close" or "ignore"',
    cli: { kind: 'string', value: 'policy' },
  }),
  workerMemoryMb: integer(
    0,
    1_048_576,
    0,
    'MiB',
    'heap of a worker (the old generation); one that needs more ends as if it had crashed; 0 is the default of V8',
  ),
  maxRestarts: integer(
    0,
    1_000_000,
    5,
    'restarts',
    'a worker that dies more often within restartWindowMs rests for restartPauseMs: its connections are closed (1013) and new ones go to other workers',
  ),
  restartWindowMs: integer(1, 86_400_000, 60_000, 'ms', 'see maxRestarts'),
  restartPauseMs: integer(1, 86_400_000, 10_000, 'ms', 'see maxRestarts'),
  maxInFlight: integer(
    1,
    10_000_000,
    1000,
    'messages',
    'messages of one connection that are accepted and not finished; see overload',
  ),
  maxInFlightBytesPerConnection: integer(1, 4096 * MIB, 16 * MIB, 'bytes', 'the same in bytes'),
  maxInFlightBytes: integer(
    1,
    65_536 * MIB,
    256 * MIB,
    'bytes',
    'messages of all connections that are accepted and not finished; see overload',
  ),
  maxBufferedBytes: integer(
    1,
    65_536 * MIB,
    256 * MIB,
    'bytes',
    'replies of all connections that their sockets did not take yet; see overload',
  ),
  overload: option(z.enum(['shed', 'drop']).default('shed'), {
    description:
      'past a bound: shed closes the connection that is over its own, or the heaviest ones until the process is below its bound (1013); drop drops the message or the reply',
    takes: '"shed" or "drop"',
    cli: { kind: 'string', value: 'policy' },
  }),
  rateLimit: option(rateLimitSchema.optional(), {
    description:
      'messages and bytes per second that one connection may send, and the seconds of it that it may save up (burst, default 1); more is closed with 1008',
    takes: 'messages, bytes or both (per second, above 0), and burst (seconds, from 1 to 3600)',
    cli: { kind: 'pairs', value: 'messages=n,bytes=n,burst=s' },
  }),
  maxConnections: integer(
    0,
    10_000_000,
    0,
    'connections',
    'open connections; more are answered with 503; 0 is no limit',
  ),
  maxConnectionsPerAddress: integer(0, 10_000_000, 0, 'connections', 'the same for one peer address'),
  maxConnectionRate: integer(
    0,
    10_000_000,
    0,
    'connections per second',
    'new connections per second; more are answered with 503; 0 is no limit',
  ),
  highWaterMark: integer(
    1,
    64 * MIB,
    64 * KIB,
    'bytes',
    'a socket that has buffered so much is sent nothing more until it drains; replies then queue',
  ),
  maxQueueBytes: integer(1, 4096 * MIB, 16 * MIB, 'bytes', 'bound of a connection’s outbound queue'),
  maxQueueMessages: integer(1, 10_000_000, 1000, 'messages', 'bound of a connection’s outbound queue'),
  slowConsumer: option(z.enum(['close', 'drop-newest', 'drop-oldest']).default('close'), {
    description: 'what happens when an outbound queue is full: close (1008), drop-newest or drop-oldest',
    takes: '"close", "drop-newest" or "drop-oldest"',
    cli: { kind: 'string', value: 'policy' },
  }),
  drainTimeoutMs: integer(
    0,
    3_600_000,
    10_000,
    'ms',
    'how long a shutdown waits for messages in flight and for outbound queues',
  ),
  http: flag(true, 'serve /healthz, /readyz, /stats and POST /echo'),
  console: flag(false, 'serve the console page on / (on by default in `shardhub serve`)'),
  logLevel: option(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('warn'), {
    description: 'least severe log line that is written (to stderr, as JSON)',
    takes: '"fatal", "error", "warn", "info", "debug", "trace" or "silent"',
    cli: { kind: 'string', value: 'level' },
  }),
  logger: option(z.custom<Logger>(isLogger).optional(), {
    description: 'a pino-compatible logger that is used instead',
    takes: 'an object with the methods error, warn, info and debug',
  }),
});

/** Paths that the hub serves itself, by the option that makes it. */
const OWN_PATHS = { http: ['/healthz', '/readyz', '/stats', '/echo'], console: ['/'] } as const;

export const hubOptionsSchema = optionsShape.superRefine((options, context) => {
  const { http, console, path } = options;
  const taken: string[] = [...(http ? OWN_PATHS.http : []), ...(console ? OWN_PATHS.console : [])];
  if (!taken.includes(path) && !(console && path.startsWith('/console/'))) return;
  context.addIssue({ code: 'custom', path: ['path'], message: 'it is a path that the hub serves itself' });
});

/** The part of a pino logger that the hub uses. */
export interface Logger {
  error(details: object, message: string): void;
  warn(details: object, message: string): void;
  info(details: object, message: string): void;
  debug(details: object, message: string): void;
}

function isLogger(value: unknown): value is Logger {
  const methods = ['error', 'warn', 'info', 'debug'] as const;
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  );
}

/** What `createHub` takes: every option may be left out. */
export type HubOptions<Data = unknown> = Omit<z.input<typeof hubOptionsSchema>, 'upgrade'> & {
  /** Decides on a handshake that the hub itself would let in. Default: accept. */
  readonly upgrade?: UpgradeHook<Data> | undefined;
};
/** All options with their defaults, frozen. */
export type ResolvedOptions = Readonly<z.output<typeof hubOptionsSchema>>;
export type OptionName = keyof ResolvedOptions;

/** Name, description and spelling of one option, for the command line and the docs. */
export interface OptionInfo extends OptionMeta {
  readonly name: OptionName;
  /** The default as text. */
  readonly fallback: string | undefined;
}

/** All options, in the order of the schema. */
export function listOptions(): OptionInfo[] {
  return Object.entries(hubOptionsSchema.shape).map(([name, schema]) => {
    const meta = schema.meta() as unknown as OptionMeta;
    const fallback = (schema as z.ZodType).safeParse(undefined).data;
    return {
      ...meta,
      name: name as OptionName,
      fallback: fallback === undefined ? undefined : String(fallback),
    };
  });
}

/**
 * Checks options and fills in the defaults. `undefined` means default; unknown names are refused.
 *
 * @throws HubError `ERR_OPTION` that names each bad option, the value it got and what it takes
 */
export function resolveOptions(options: HubOptions = {}): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const parsed = hubOptionsSchema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  throw new HubError('ERR_OPTION', explain(parsed.error, given), { cause: parsed.error });
}

function explain(error: z.ZodError, given: Record<string, unknown>): string {
  const sentences = new Set<string>();
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) {
      for (const key of issue.keys) sentences.add(`unknown option "${key}"`);
      continue;
    }
    const name = String(issue.path[0]);
    const { takes } = hubOptionsSchema.shape[name as OptionName].meta() as unknown as OptionMeta;
    sentences.add(`option "${name}" got ${show(withoutSecret(given[name]))} but takes ${takes}`);
  }
  return [...sentences].join('; ');
}

/** Errors end up in logs, where a passphrase has no business. */
function withoutSecret(value: unknown): unknown {
  const hasSecret = typeof value === 'object' && value !== null && 'passphrase' in value;
  return hasSecret ? { ...value, passphrase: '…' } : value;
}
