/** What `shardhub bench` takes: its flags, which of them exclude each other, and what they mean to a load run. */
import { LOAD_OPTIONS, type LoadOptionName, type LoadOptions } from '../../loadgen/options.js';
import { HANDSHAKE_FLAGS } from '../flags/handshake-flags.js';
import { single, type ToolOptions, type ToolUsage, toggle } from '../flags/tool-flags.js';
import { duration, integer, type Kind, mergeHeaders, NUMBER, TOKEN, WEBSOCKET_URL } from '../flags/values.js';

const WHOLE = integer(0, Number.MAX_SAFE_INTEGER);

export const BENCH_FLAGS = {
  connections: option('connections', '-c, --connections <connections>', WHOLE, 'connections'),
  inFlight: option(
    'inFlight',
    '-i, --in-flight <messages>',
    WHOLE,
    'messages that a connection keeps in flight; not with --rate',
  ),
  size: option('size', '-s, --size <bytes>', WHOLE, 'payload of a message'),
  text: toggle('--text', 'send text messages instead of binary ones'),
  duration: time('durationMs', '-d, --duration <duration>', duration(1), 'how long to measure'),
  warmup: time('warmupMs', '--warmup <duration>', duration(0), 'load before that, whose figures are dropped'),
  ramp: time('rampMs', '--ramp <duration>', duration(0), 'open the connections spread over this time'),
  rate: option(
    'rate',
    '-r, --rate <messages-per-second>',
    NUMBER,
    'messages per second over all connections, sent when due whatever the server does; latency then counts from that time',
  ),
  threads: option('threads', '-t, --threads <threads>', WHOLE, 'threads that generate the load'),
  subprotocol: single(
    '--subprotocol <name>',
    TOKEN,
    'subprotocol to offer, which the server then has to choose',
  ),
  ...HANDSHAKE_FLAGS,
  json: toggle('--json', 'print the result as JSON, with the histogram'),
};

export type BenchOptions = ToolOptions<typeof BENCH_FLAGS>;

export const BENCH_USAGE: ToolUsage<typeof BENCH_FLAGS> = {
  name: 'bench',
  description: 'put load on an echo service, and check every echo',
  exitCodes: '0 every echo was right, 1 one was not, or a connection failed',
  address: {
    takes: `${WEBSOCKET_URL.takes}, without a user name or password`,
    parse: (text) => [WEBSOCKET_URL.parse(text)].find((url) => LOAD_OPTIONS.url.isValid(url?.href)),
  },
  flags: BENCH_FLAGS,
  findContradictions: ({ inFlight, rate }) =>
    inFlight !== undefined && rate !== undefined
      ? ['--in-flight bounds a closed loop and cannot be combined with --rate']
      : [],
};

/** A flag for an option of a load run, which knows its bounds. */
function option(name: LoadOptionName, usage: string, kind: Kind<number>, description: string) {
  const { takes, isValid } = LOAD_OPTIONS[name];
  const bounded = { takes, parse: (text: string) => [kind.parse(text)].find(isValid) };
  return { ...single(usage, bounded, description), fallbackText: fallbackOf(name, String) };
}

function time(name: LoadOptionName, usage: string, kind: Kind<number>, description: string) {
  return { ...single(usage, kind, description), fallbackText: fallbackOf(name, (ms) => `${ms / 1000}s`) };
}

/** In words alone: what is not given is left to the load run, and so contradicts nothing. */
function fallbackOf(name: LoadOptionName, show: (value: number) => string): string {
  const { fallback } = LOAD_OPTIONS[name];
  return typeof fallback === 'number' ? show(fallback) : 'none';
}

export function toLoadOptions(url: URL, options: BenchOptions): LoadOptions {
  const { text, duration, warmup, ramp, header, json: _, ...same } = options;
  return {
    ...same,
    url: url.href,
    binary: !text,
    durationMs: duration,
    warmupMs: warmup,
    rampMs: ramp,
    headers: mergeHeaders(header),
  };
}
