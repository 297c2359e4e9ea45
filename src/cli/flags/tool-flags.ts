/** The flags of a command that is not about a hub's options: said once, for the command line, its help and the README. */
import type { Kind } from './values.js';

export interface ToolFlag<T> {
  /** The flag as users type it, with its placeholder if it takes a value. */
  readonly usage: string;
  readonly description: string;
  /** Absent for a switch. */
  readonly kind?: Kind<unknown>;
  readonly isRepeatable: boolean;
  /** The value when it is not given. */
  readonly fallback: T;
  /** The same in words. */
  readonly fallbackText: string;
}

/** By the name that the command line's parser gives the flag: `maxPayload` for `--max-payload`. */
export type ToolFlags = Readonly<Record<string, ToolFlag<unknown>>>;
export type ToolOptions<F extends ToolFlags> = {
  readonly [K in keyof F]: F[K] extends ToolFlag<infer T> ? T : never;
};

/** All that is said of a command that works on a server at an address. */
export interface ToolUsage<F extends ToolFlags> {
  readonly name: string;
  readonly description: string;
  /** What 0 and 1 mean. */
  readonly exitCodes: string;
  readonly address: Kind<URL>;
  readonly flags: F;
  /** One sentence per pair of flags that contradict each other, though each is valid. */
  readonly findContradictions: (options: ToolOptions<F>) => string[];
}

export function toggle(usage: string, description: string): ToolFlag<boolean> {
  return { usage, description, isRepeatable: false, fallback: false, fallbackText: 'off' };
}

/** A flag with one value; the last one wins. */
export function single<T>(usage: string, kind: Kind<T>, description: string): ToolFlag<T | undefined>;
export function single<T>(usage: string, kind: Kind<T>, description: string, fallback: string): ToolFlag<T>;
export function single<T>(usage: string, kind: Kind<T>, description: string, fallback?: string) {
  const value = fallback === undefined ? undefined : kind.parse(fallback);
  return { usage, description, kind, isRepeatable: false, fallback: value, fallbackText: fallback ?? 'none' };
}

/** A flag that may be given more than once. */
export function repeatable<T>(usage: string, kind: Kind<T>, description: string): ToolFlag<readonly T[]> {
  return { usage, description, kind, isRepeatable: true, fallback: [], fallbackText: 'none' };
}

/** `given` is what the command line says, by name. One sentence per value that is refused, naming its flag. */
export function readToolFlags<F extends ToolFlags>(
  flags: F,
  given: Readonly<Record<string, unknown>>,
): { options: ToolOptions<F>; problems: string[] } {
  const problems: string[] = [];
  const parse = ({ usage, kind }: ToolFlag<unknown>, text: string): unknown => {
    const value = kind?.parse(text);
    if (value === undefined) problems.push(complain(nameOf(usage), text, kind?.takes ?? ''));
    return value;
  };
  const read = (flag: ToolFlag<unknown>, raw: unknown): unknown => {
    if (raw === undefined) return flag.fallback;
    if (Array.isArray(raw)) return raw.map((text) => parse(flag, text));
    return typeof raw === 'string' ? parse(flag, raw) : raw;
  };
  const entries = Object.entries(flags).map(([name, flag]) => [name, read(flag, given[name])]);
  return { options: Object.fromEntries(entries), problems };
}

/** The long name of a flag, as it is typed: `--in-flight` of `-i, --in-flight <messages>`. */
export function nameOf(usage: string): string {
  return /--[a-z-]+/.exec(usage)?.[0] ?? usage;
}

export function complain(source: string, got: string, takes: string): string {
  return `${source} got ${JSON.stringify(got)} but takes ${takes}`;
}
