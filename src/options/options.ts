/**
 * The one options schema: defaults, bounds, command-line flags, environment names and their descriptions
 * all come from here and from `options/`.
 */
import { z } from 'zod';
import { MAKE_BROKER } from '../api/broker.js';
import { HubError, describe as show } from '../api/errors.js';
import type { HubOptions } from '../api/hub-options.js';
import type { OptionMeta } from './meta.js';
import { optionsShape } from './shape.js';

export type { HubOptions } from '../api/hub-options.js';

export type { Logger } from '../api/logger.js';
export type { CliMeta } from './meta.js';

/** Paths that the hub serves itself, by the option that makes it. */
const OWN_PATHS = {
  http: ['/healthz', '/readyz', '/stats', '/stats/stream', '/metrics', '/echo'],
  console: ['/'],
} as const;

export const hubOptionsSchema = z.strictObject(optionsShape).superRefine((options, context) => {
  const { http, console, path, routes } = options;
  const taken: string[] = [...(http ? OWN_PATHS.http : []), ...(console ? OWN_PATHS.console : [])];
  const isTaken = (at: string) => taken.includes(at) || (console && at.startsWith('/console/'));
  const message = 'it is a path that the hub serves itself';
  if (routes === undefined && isTaken(path)) context.addIssue({ code: 'custom', path: ['path'], message });
  for (const at of Object.keys(routes ?? {}))
    if (isTaken(at)) context.addIssue({ code: 'custom', path: ['routes', at], message });
});

/** One of several paths. What is left out is as the option of that name says. */
export type RouteOptions<Data = unknown> = NonNullable<HubOptions<Data>['routes']>[string];
/** All options with their defaults, frozen. */
export type ResolvedOptions = Readonly<z.output<typeof hubOptionsSchema>>;
/** The name of an option. */
export type OptionName = keyof ResolvedOptions;

/** Name, description and spelling of one option, for the command line and the docs. */
export interface OptionInfo extends OptionMeta {
  /** As in `HubOptions`. */
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

/** The JSON schema of a file with options (draft 2020-12), for editors. What only code can give may be anything in it. */
export function optionsJsonSchema(): object {
  const schema = z.toJSONSchema(hubOptionsSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      for (const key of ['takes', 'standalone', 'fallbackText', 'cli']) delete jsonSchema[key];
    },
  });
  return { ...schema, properties: { $schema: { type: 'string' }, ...schema.properties } };
}

/**
 * Checks options and fills in the defaults. `undefined` means default; unknown names are refused.
 *
 * @throws HubError `ERR_OPTION` that names each bad option, the value it got and what it takes
 */
export function resolveOptions<Data = unknown>(options: HubOptions<Data> = {}): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const name of ['path', 'handler'])
    if ('routes' in given && name in given) {
      const text = `options "routes" and "${name}" were both given: a hub takes either routes, or path and handler`;
      throw new HubError('ERR_OPTION', text);
    }
  if (
    given.brokerCredentialsFile !== undefined &&
    typeof given.broker === 'object' &&
    MAKE_BROKER in given.broker!
  ) {
    const text = 'options "broker", as an entry has made it, and "brokerCredentialsFile" were both given';
    throw new HubError('ERR_OPTION', `${text}: what makes the broker takes a credentialsFile`);
  }
  const parsed = hubOptionsSchema.safeParse(given);
  if (parsed.success) {
    for (const name of ['workerEnv', 'workerExecArgv', 'inspectWorkers'] as const)
      if (parsed.data.workers === 0 && (parsed.data[name] ?? false) !== false)
        throw new HubError(
          'ERR_OPTION',
          `options "workers" (0) and "${name}" were both given: there is no thread`,
        );
    return Object.freeze(parsed.data);
  }
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
    if (name === 'routes' && issue.path.length > 1) {
      sentences.add(explainRoute(issue, given.routes as Record<string, unknown>));
      continue;
    }
    if (name === 'topics' && issue.path.length > 1) sentences.add(explainTopic(issue));
    else sentences.add(complain(name, given[name], issue));
  }
  return [...sentences].join('; ');
}

function complain(name: string, value: unknown, { code, message }: z.core.$ZodIssue): string {
  const why = name === 'handlerOptions' && code === 'custom' ? `: ${message}` : '';
  return `option "${name}" got ${show(withoutSecret(name, value))} but takes ${takesOf(name)}${why}`;
}

/** Errors end up in logs, where a token or a passphrase has no business. */
function withoutSecret(name: string, value: unknown): unknown {
  if (name === 'handlerOptions') return '…';
  if (name.endsWith('Token') && typeof value === 'string') return '…';
  // A URL may have a password in it.
  if (name === 'broker') return '…';
  const hasSecret = typeof value === 'object' && value !== null && 'passphrase' in value;
  return hasSecret ? { ...value, passphrase: '…' } : value;
}

/** A route is refused by its path, and what is wrong in it as the option of that name would be. */
function explainRoute(issue: z.core.$ZodIssue, routes: Record<string, unknown>): string {
  const [, at, key] = issue.path.map(String) as [string, string, string | undefined];
  const where = `option "routes", path ${show(at)}`;
  if (issue.code === 'custom' && key === undefined) return `${where}: ${issue.message}`;
  if (issue.code === 'invalid_key') return `${where} is none: a hub takes ${takesOf('path')}`;
  if (issue.code === 'unrecognized_keys')
    return `${where}: unknown option ${issue.keys.map(show).join(', ')}`;
  const got = routes[at];
  if (key === undefined) return `${where} got ${show(got)} but takes an object with a handler`;
  return `${where}: ${complain(key, (got as Record<string, unknown>)[key], issue)}`;
}

/** Which pattern, which of its options, and what is wrong with that. */
function explainTopic(issue: z.core.$ZodIssue): string {
  const [, pattern, ...path] = issue.path.map(String);
  const where = `option "topics", pattern ${show(pattern)}`;
  if (issue.code === 'unrecognized_keys')
    return `${where}: unknown option ${issue.keys.map((key) => show([...path, key].join('.'))).join(', ')}`;
  if (issue.code === 'invalid_key') return `${where} is none: a pattern has 1 to 255 characters`;
  const option = path.length === 0 ? '' : ` ${show(path.join('.'))}`;
  return `${where}${option}: ${issue.message}; topics takes ${takesOf('topics')}`;
}

function takesOf(name: string): string {
  return (hubOptionsSchema.shape[name as OptionName].meta() as unknown as OptionMeta).takes;
}
