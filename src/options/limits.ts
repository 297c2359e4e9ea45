/** Options of the workers, and the bounds of connections and of the process. */
import { z } from 'zod';
import { flag, integer, KIB, MIB, option } from './meta.js';

const rate = z.number().positive().max(1e12);
/** Tokens of a bucket that refills all the time (a token bucket): what passes in a second, and at once. */
const rateLimitSchema = z
  .strictObject({
    messages: rate.optional().describe('messages per second, above 0; default: no limit'),
    bytes: rate.optional().describe('bytes of payload per second, above 0; default: no limit'),
    burst: z
      .number()
      .min(1)
      .max(3600)
      .default(1)
      .describe('seconds of it that may be saved up, from 1 to 3600; default: 1'),
  })
  .refine((limit) => limit.messages !== undefined || limit.bytes !== undefined);

export const workerOptions = {
  handlerTimeoutMs: integer(
    0,
    86_400_000,
    30_000,
    'ms',
    'longest time that a hook may take: a loop past it gets its thread replaced, a promise its connection closed (1011); for a module to load, at least a second; 0 is no limit',
  ),
  reloadTimeoutMs: integer(
    1,
    3_600_000,
    5000,
    'ms',
    'when handlers are reloaded: how long what has begun may go on before it costs its connection (1011); its shard’s messages wait meanwhile',
  ),
  watch: flag(
    false,
    'for development: reload the handlers when one of their files, or what they import, has changed; packages are not watched',
  ),
  onHandlerError: option(z.enum(['close', 'ignore']).default('close'), {
    description: 'what a hook that throws or rejects costs its connection: close (1011), or ignore',
    takes: '"close" or "ignore"',
    cli: { kind: 'string', value: 'policy' },
  }),
  ordering: option(z.enum(['serial', 'concurrent', 'unordered']).default('serial'), {
    description:
      'serial: a connection’s next message begins when its previous one has finished; concurrent: some are worked on at a time, replies leave in the order of the messages; unordered: replies leave as they come',
    takes: '"serial", "concurrent" or "unordered"',
    cli: { kind: 'string', value: 'order' },
  }),
  maxConcurrent: integer(
    1,
    10_000,
    16,
    'messages',
    'messages of one connection that are worked on at a time, unless ordering is serial',
  ),
  spin: option(z.union([z.literal('auto'), z.int().min(0).max(1000)]).default('auto'), {
    description:
      'how long an idle worker, and the I/O thread while messages are in flight, look for more in a loop before they sleep: less latency for CPU time; auto does so while few messages are in flight, cores are idle and it pays; 0 is off',
    takes: 'an integer from 0 to 1000 (µs), or "auto"',
    cli: { kind: 'integer', value: 'µs|auto', takes: 'an integer from 0 to 1000 (µs), or auto' },
  }),
  workerMemoryMb: integer(
    0,
    1_048_576,
    0,
    'MiB',
    'memory that a worker may keep, in its heap and in buffers; one that keeps more ends as if it had crashed; 0 leaves V8’s own limit; see docs/reliability.md',
  ),
  workerEnv: option(z.record(z.string().regex(/^[^=\0]+$/), z.string().regex(/^[^\0]*$/)).optional(), {
    description: 'environment variables of the worker threads, beside those of the process',
    takes: 'an object of strings, such as { TZ: "UTC" }, and workers that are not 0',
    cli: {
      kind: 'json',
      value: 'json|path',
      takes: 'JSON with a text for each name, such as {"TZ":"UTC"}, or the path of a file of it',
    },
  }),
  workerExecArgv: option(
    z
      .array(z.string().min(1))
      .refine(([first = '-']) => first.startsWith('-'))
      .optional(),
    {
      description: 'flags of Node.js for the worker threads, instead of those that the process has',
      fallbackText: 'those of the process',
      takes:
        'a list of flags that a thread may have, such as ["--import", "tsx"], and workers that are not 0',
      cli: {
        kind: 'list',
        value: 'flags',
        takes: 'flags with commas between them, such as --import,tsx',
      },
    },
  ),
  inspectWorkers: option(z.union([z.boolean(), z.int().min(0).max(65_535)]).default(false), {
    description:
      'an inspector for each worker, to attach a debugger to: on this port for the first one, on the next for the second; no deadline of a handler counts then',
    fallbackText: 'off',
    takes:
      'false, true (9229), or an integer from 0 to 65535 (port; 0 picks free ones), and workers that are not 0',
    cli: {
      kind: 'integer',
      value: 'port',
      bare: '9229',
      takes: 'the first port, from 0 to 65535 (9229 without; 0 picks free ones)',
    },
  }),
  maxRestarts: integer(
    0,
    1_000_000,
    5,
    'restarts',
    'a worker that dies more often within restartWindowMs rests for restartPauseMs: its connections are closed (1013) and new ones go to other workers',
  ),
  restartWindowMs: integer(
    1,
    86_400_000,
    60_000,
    'ms',
    'see maxRestarts',
    'the time in which the deaths of a worker are counted; see maxRestarts',
  ),
  restartPauseMs: integer(
    1,
    86_400_000,
    10_000,
    'ms',
    'see maxRestarts',
    'how long a worker that died too often rests before it is started again; see maxRestarts',
  ),
};

export const limitOptions = {
  maxInFlight: integer(
    1,
    10_000_000,
    1000,
    'messages',
    'messages of one connection that are accepted and not finished; see overload',
  ),
  maxInFlightBytesPerConnection: integer(
    1,
    4096 * MIB,
    16 * MIB,
    'bytes',
    'the same in bytes',
    'messages of one connection that are accepted and not finished; one always fits, however large; see overload',
  ),
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
  overload: option(z.enum(['shed', 'drop', 'pause']).optional(), {
    description:
      'past a bound: shed closes the connection that is over its own, or the heaviest ones until the process is below its bound (1013); drop drops the message or the reply; pause (engine node) reads no more of a connection until half of its bound is free, and sheds for the bound of replies',
    fallbackText: 'pause with engine node, shed with engine uws',
    takes: '"shed", "drop" or "pause"',
    cli: { kind: 'string', value: 'policy' },
  }),
  rateLimit: option(rateLimitSchema.optional(), {
    description:
      'messages and bytes per second that one connection may send, and the seconds of it that it may save up (burst, default 1); more is closed with 1008; of pings and pongs there may be as many as messages',
    takes: 'messages, bytes or both (per second, above 0), and burst (seconds, from 1 to 3600)',
    cli: {
      kind: 'pairs',
      value: 'messages=n,bytes=n,burst=s',
      takes:
        'messages, bytes or both (per second) and burst (seconds, 1 to 3600), such as messages=100,burst=2',
    },
  }),
  maxConnections: integer(
    0,
    10_000_000,
    0,
    'connections',
    'open connections; more are answered with 503; 0 is no limit',
  ),
  maxConnectionsPerAddress: integer(
    0,
    10_000_000,
    0,
    'connections',
    'the same for one peer address',
    'open connections of one peer address; more are answered with 503; 0 is no limit; behind a proxy, see trustProxy',
  ),
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
  slowConsumer: option(z.enum(['close', 'drop-newest', 'drop-oldest', 'conflate']).default('close'), {
    description:
      'what happens when an outbound queue is full: close (1008), drop-newest or drop-oldest; conflate keeps only the newest published message of each topic for a peer that does not keep up, and closes when the queue is full all the same',
    takes: '"close", "drop-newest", "drop-oldest" or "conflate"',
    cli: { kind: 'string', value: 'policy' },
  }),
};
