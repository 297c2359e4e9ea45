/**
 * The one options schema: defaults, bounds, command-line flags, environment names and their descriptions
 * all come from here and from `options/`.
 */
import { z } from 'zod';
import type { AffinityHook } from './affinity.js';
import { HubError, describe as show } from './errors.js';
import { applicationOptions } from './options/application.js';
import { frontOptions } from './options/front.js';
import { limitOptions, workerOptions } from './options/limits.js';
import type { OptionMeta } from './options/meta.js';
import type { UpgradeHook } from './upgrade.js';

export type { Logger } from './options/application.js';
export type { CliMeta } from './options/meta.js';

const optionsShape = z.strictObject({
  ...frontOptions,
  ...workerOptions,
  ...limitOptions,
  ...applicationOptions,
});

/** Paths that the hub serves itself, by the option that makes it. */
const OWN_PATHS = { http: ['/healthz', '/readyz', '/stats', '/echo'], console: ['/'] } as const;

export const hubOptionsSchema = optionsShape.superRefine((options, context) => {
  const { http, console, path, routes } = options;
  const taken: string[] = [...(http ? OWN_PATHS.http : []), ...(console ? OWN_PATHS.console : [])];
  const isTaken = (at: string) => taken.includes(at) || (console && at.startsWith('/console/'));
  const message = 'it is a path that the hub serves itself';
  if (routes === undefined && isTaken(path)) context.addIssue({ code: 'custom', path: ['path'], message });
  for (const at of Object.keys(routes ?? {}))
    if (isTaken(at)) context.addIssue({ code: 'custom', path: ['routes', at], message });
});

/** What `createHub` takes: every option may be left out. */
export type HubOptions<Data = unknown> = Omit<
  z.input<typeof hubOptionsSchema>,
  'upgrade' | 'affinity' | 'routes'
> & {
  /** Decides on a handshake that the hub itself would let in. Default: accept. */
  readonly upgrade?: UpgradeHook<Data> | undefined;
  /** Which connections go to the same worker. Default: none, each goes to the least loaded one. */
  readonly affinity?: string | AffinityHook<Data> | undefined;
  /** Several paths, each with a handler of its own, instead of `path` and `handler`. */
  readonly routes?: Readonly<Record<string, RouteOptions<Data>>> | undefined;
};

/** One of several paths. What is left out is as the option of that name says. */
export interface RouteOptions<Data = unknown> {
  readonly handler: string | URL;
  readonly upgrade?: UpgradeHook<Data> | undefined;
  readonly origins?: HubOptions['origins'];
  readonly subprotocols?: HubOptions['subprotocols'];
  readonly affinity?: string | AffinityHook<Data> | undefined;
}

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
  for (const name of ['path', 'handler'])
    if ('routes' in given && name in given) {
      const text = `options "routes" and "${name}" were both given: a hub takes either routes, or path and handler`;
      throw new HubError('ERR_OPTION', text);
    }
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
    if (name === 'routes' && issue.path.length > 1) {
      sentences.add(explainRoute(issue, given.routes as Record<string, unknown>));
      continue;
    }
    sentences.add(`option "${name}" got ${show(given[name])} but takes ${takesOf(name)}`);
  }
  return [...sentences].join('; ');
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
  return `${where}: option "${key}" got ${show((got as Record<string, unknown>)[key])} but takes ${takesOf(key)}`;
}

function takesOf(name: string): string {
  return (hubOptionsSchema.shape[name as OptionName].meta() as unknown as OptionMeta).takes;
}
