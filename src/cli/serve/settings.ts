/**
 * From flags, environment variables and a file to the options of a hub: parsed to their kind, then judged by the one
 * schema. Flags win over the environment, and that over the file; an empty variable counts as not set.
 */
import { readFileSync } from 'node:fs';
import { HubError, type HubOptions, resolveOptions } from '../../index.js';
import { attributeOf, ENV_PREFIX, type Flag, SERVE_DEFAULTS } from '../flags/flags.js';
import type { ConfigFile } from './config-file.js';
import { locateHandler } from './locate.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Settings {
  readonly options: HubOptions;
  /** One sentence per value that the schema refuses; each names the flag or the variable. */
  readonly problems: string[];
  /** Where each value comes from, by option: a flag, a variable or the file; none for a default. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Beside a variable that holds a secret: the path of a file that does. */
const FILE_SUFFIX = '_FILE';

/** The path of the file, as the flag `--config` gives it. */
export const CONFIG_VARIABLE = `${ENV_PREFIX}CONFIG`;

/** `given` holds what the command line says, by option name: text, or a boolean for a switch. */
export function readSettings(
  flags: Flag[],
  given: Record<string, unknown>,
  env: Environment,
  file?: ConfigFile,
): Settings {
  const options: Record<string, unknown> = { ...SERVE_DEFAULTS, ...file?.options };
  const problems: string[] = [...(file?.problems ?? [])];
  const sources: Record<string, string> = {};
  for (const name in file?.options) sources[name] = file.path;
  for (const flag of flags) {
    const said = given[attributeOf(flag)];
    const fromEnv = said === undefined;
    const raw = fromEnv ? env[flag.env] || readSecret(flag, env, problems) : said;
    if (raw === undefined) continue;
    sources[flag.name] = fromEnv ? flag.env : nameOf(flag);
    if (flag.field !== undefined) {
      if (raw === '') problems.push(complain(flag, raw, fromEnv));
      options[flag.name] = { ...(options[flag.name] as object | undefined), [flag.field]: raw };
      continue;
    }
    const text = raw === true ? (flag.bare ?? raw) : raw;
    const value = candidates(flag, text).find(
      (candidate) => candidate !== undefined && isValid(flag.name, candidate),
    );
    if (value === undefined) problems.push(complain(flag, raw, fromEnv));
    else options[flag.name] = flag.name === 'handler' ? locateHandler(String(value)) : value;
  }
  return { options, problems: [...problems, ...findLoneFields(flags, options)], sources };
}

function holdsSecret({ name, field }: Flag): boolean {
  return name.endsWith('Token') || field === 'passphrase';
}

/** What the file holds that `…_FILE` names, as container platforms hand over secrets; without its last line break. */
function readSecret(flag: Flag, env: Environment, problems: string[]): string | undefined {
  const path = holdsSecret(flag) ? env[flag.env + FILE_SUFFIX] : undefined;
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    problems.push(`${flag.env}${FILE_SUFFIX} names a file that cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}

/** One sentence for each field that others, which were given, are of no use without. */
function findLoneFields(flags: Flag[], options: Record<string, unknown>): string[] {
  return flags.flatMap((flag) => {
    const given = options[flag.name] as Record<string, unknown> | undefined;
    if (flag.field === undefined || given === undefined || flag.field in given) return [];
    const fields = flags.filter(({ name, field }) => name === flag.name && field !== undefined);
    const others = fields.filter((other) => other !== flag);
    if (isValid(flag.name, Object.fromEntries(others.map(({ field }) => [field, 'x'])))) return [];
    const lone = others.find(({ field }) => field! in given)!;
    return [`${nameOf(lone)} needs ${nameOf(flag)} (or ${flag.env}) beside it, ${flag.takes}`];
  });
}

function nameOf({ usage }: Flag): string {
  return usage.split(' ', 1)[0]!;
}

/** Variables that look like an option and are none: perhaps a typing mistake, perhaps another program's. */
export function unknownVariables(flags: Flag[], env: Environment): string[] {
  const known = new Set(
    flags.flatMap((flag) => [flag.env, ...(holdsSecret(flag) ? [flag.env + FILE_SUFFIX] : [])]),
  );
  known.add(CONFIG_VARIABLE);
  return Object.keys(env).filter((name) => name.startsWith(ENV_PREFIX) && !known.has(name));
}

/** What a text may mean; the schema takes the first that is valid. */
function candidates(flag: Flag, raw: unknown): unknown[] {
  if (typeof raw !== 'string') return [raw];
  switch (flag.kind) {
    case 'integer':
      return [
        /^-?\d+$/.test(raw) ? Number(raw) : raw,
        ...(flag.bare !== undefined && raw === 'true' ? [true] : []),
      ];
    case 'flag':
      return ['true', '1'].includes(raw) ? [true] : ['false', '0'].includes(raw) ? [false] : [];
    case 'list':
      return [raw.split(',').map((item) => item.trim()), raw, ...(/^\d+$/.test(raw) ? [Number(raw)] : [])];
    case 'pairs':
      return parsePairs(raw);
    case 'json':
      return [parseJson(() => raw), parseJson(() => readFileSync(raw, 'utf8'))];
    case 'string':
    case 'fields':
      return [raw];
  }
}

/** Undefined for what is no JSON, or cannot be read. */
function parseJson(read: () => string): unknown {
  try {
    return JSON.parse(read());
  } catch {
    return undefined;
  }
}

/** `messages=100,burst=2` as an object; what is no number is left for the schema to refuse. */
function parsePairs(raw: string): unknown[] {
  const pairs = raw.split(',').map((pair) => {
    const [, name = pair, value = ''] = pair.match(/^([^=]*)=(.*)$/s) ?? [];
    return [name.trim(), /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value] as const;
  });
  const isAmbiguous = new Set(pairs.map(([name]) => name)).size < pairs.length;
  return isAmbiguous ? [] : [Object.fromEntries(pairs)];
}

function isValid(name: keyof HubOptions, value: unknown): boolean {
  try {
    resolveOptions({ [name]: value });
    return true;
  } catch (error) {
    if (error instanceof HubError && error.code === 'ERR_OPTION') return false;
    throw error;
  }
}

function complain(flag: Flag, raw: unknown, fromEnv: boolean): string {
  const source = fromEnv ? flag.env : nameOf(flag);
  const takes = flag.kind === 'flag' ? 'true or 1, false or 0' : flag.takes;
  // What is said here may end up in a log.
  const isSecret =
    holdsSecret(flag) ||
    (flag.name === 'broker' && String(raw).includes('@')) ||
    (flag.kind === 'json' && /^\s*["{[]/.test(String(raw)));
  const got = isSecret ? '"…"' : JSON.stringify(raw);
  return `${source} got ${got} but takes ${takes}`;
}
