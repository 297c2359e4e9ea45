/** How the options of a load run are spelled on the command line, and from there to the options. */
import { LOAD_OPTIONS, type LoadOptionName, type LoadOptions } from '../loadgen/options.js';

type BenchFlagKind = 'integer' | 'number' | 'duration' | 'text' | 'headers' | 'switch';

export interface BenchFlag {
  readonly option: Exclude<LoadOptionName, 'url'>;
  readonly kind: BenchFlagKind;
  readonly usage: string;
  readonly help: string;
}

export const BENCH_FLAGS: readonly BenchFlag[] = [
  entry('connections', 'integer', '-c, --connections <n>', 'connections'),
  entry(
    'inFlight',
    'integer',
    '-i, --in-flight <n>',
    'messages that a connection keeps in flight; not with --rate',
  ),
  entry('size', 'integer', '-s, --size <bytes>', 'payload of a message'),
  entry('binary', 'switch', '--text', 'send text messages instead of binary ones'),
  entry(
    'durationMs',
    'duration',
    '-d, --duration <time>',
    'how long to measure: 10s, 500ms, 2m; a plain number is seconds',
  ),
  entry('warmupMs', 'duration', '--warmup <time>', 'load before that, whose figures are dropped'),
  entry('rampMs', 'duration', '--ramp <time>', 'open the connections spread over this time'),
  entry(
    'rate',
    'number',
    '-r, --rate <n>',
    'messages per second over all connections, sent when due whatever the server does; latency then counts from that time',
  ),
  entry('threads', 'integer', '-t, --threads <n>', 'threads that generate the load'),
  entry(
    'headers',
    'headers',
    '--header <header>',
    'a further header of the handshake, "Name: value"; may be repeated',
  ),
  entry('subprotocol', 'text', '--subprotocol <name>', 'subprotocol to ask for'),
  entry('origin', 'text', '--origin <origin>', 'Origin header of the handshake'),
  entry('insecure', 'switch', '--insecure', 'accept any certificate'),
];

function entry(option: BenchFlag['option'], kind: BenchFlagKind, usage: string, text: string): BenchFlag {
  const { fallback } = LOAD_OPTIONS[option];
  if (kind === 'switch') return { option, kind, usage, help: text };
  const shown =
    typeof fallback !== 'number' ? 'none' : kind === 'duration' ? `${fallback / 1000}s` : String(fallback);
  return { option, kind, usage, help: `${text} (default: ${shown})` };
}

/** The name of a flag as it is typed, `--in-flight`. */
export function nameOf({ usage }: BenchFlag): string {
  return usage.match(/--[a-z-]+/)![0];
}

export interface BenchSettings {
  readonly options: LoadOptions;
  /** One sentence per value that is refused; each names the flag. */
  readonly problems: string[];
}

/** `given` holds what the command line says, by the flag's name in camel case. */
export function readBenchSettings(url: string, given: Record<string, unknown>): BenchSettings {
  const options: Record<string, unknown> = { url };
  const problems: string[] = [];
  if (!LOAD_OPTIONS.url.isValid(url)) problems.push(complain('<url>', url, LOAD_OPTIONS.url.takes));
  for (const flag of BENCH_FLAGS) {
    const name = nameOf(flag);
    const raw = given[name.slice(2).replaceAll(/-[a-z]/g, ([, letter]) => letter!.toUpperCase())];
    if (raw === undefined) continue;
    const value = parse(flag, raw);
    if (LOAD_OPTIONS[flag.option].isValid(value)) options[flag.option] = value;
    else problems.push(complain(name, raw, takesOf(flag)));
  }
  if (given.rate !== undefined && given.inFlight !== undefined) {
    problems.push('--in-flight bounds a closed loop and cannot be combined with --rate');
  }
  return { options: options as unknown as LoadOptions, problems };
}

/** What a text means; undefined, which no option takes, if it means nothing. */
function parse({ option, kind }: BenchFlag, raw: unknown): unknown {
  if (option === 'binary') return !raw;
  const text = String(raw);
  switch (kind) {
    case 'switch':
      return raw;
    case 'text':
      return text;
    case 'integer':
      return /^\d+$/.test(text) ? Number(text) : undefined;
    case 'number':
      return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
    case 'duration':
      return parseDuration(text);
    case 'headers':
      return parseHeaders(raw as string[]);
  }
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000 } as const;

function parseDuration(text: string): number | undefined {
  const [, number, unit = 's'] = text.match(/^(\d+(?:\.\d+)?)(ms|s|m)?$/) ?? [];
  return number === undefined
    ? undefined
    : Math.round(Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS]);
}

function parseHeaders(lines: string[]): unknown {
  const pairs = lines.map((line) => line.match(/^([^:]+):[ \t]*(.*?)[ \t]*$/));
  const names = new Set(pairs.map((pair) => pair?.[1]?.toLowerCase()));
  if (pairs.includes(null) || names.size < pairs.length) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair![1], pair![2]]));
}

function takesOf({ option, kind }: BenchFlag): string {
  const { takes } = LOAD_OPTIONS[option];
  if (kind === 'headers') return `"Name: value", each name once: ${takes}`;
  if (kind !== 'duration') return takes;
  const least = option === 'durationMs' ? '1ms' : '0';
  return `a time from ${least} to 24 hours, such as 10s, 500ms, 2m or 10 (seconds)`;
}

function complain(name: string, raw: unknown, takes: string): string {
  return `${name} got ${JSON.stringify(raw)} but takes ${takes}`;
}
