/** What an option's schema knows beside its type, and the kinds of option that come often. */
import { z } from 'zod';

/** How the command line and the environment spell an option. */
export interface CliMeta {
  /**
   * `flag` takes no value; `integer` may take a word as well; `list` is separated by commas; `pairs` is a list of name=number; `json` is JSON or the
   * path of a file with it; `fields` has one flag for each field of an object.
   */
  readonly kind: 'string' | 'integer' | 'flag' | 'list' | 'pairs' | 'json' | 'fields';
  /** Placeholder in `--help`. */
  readonly value?: string;
  /** What the flag means without a value; it needs one otherwise. */
  readonly bare?: string;
  /** For `fields`: name and description of each. */
  readonly fields?: Readonly<Record<string, string>>;
  /** What a valid value is there, when that is not what it is in code. */
  readonly takes?: string;
}

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** What the schema says of an option beside its type. */
export interface OptionMeta {
  /** What it is for, in words. */
  readonly description: string;
  /** What a valid value is, for error messages. */
  readonly takes: string;
  /** The description where it is read by itself, as in an editor: for one that leans on another option's. */
  readonly standalone?: string;
  /** The default in words, where it depends on the machine or is none. */
  readonly fallbackText?: string;
  /** Its flag and variable; none for an option that only makes sense in code. */
  readonly cli?: CliMeta;
}

/** What an object of options takes. */
export type InputOf<Shape extends z.ZodRawShape> = z.input<z.ZodObject<Shape>>;

export function option<T extends z.ZodType>(schema: T, meta: OptionMeta): T {
  return schema.meta({ ...meta }) as T;
}

export function integer(
  min: number,
  max: number,
  fallback: number,
  unit: string,
  description: string,
  standalone?: string,
) {
  return option(z.int().min(min).max(max).default(fallback), {
    description,
    ...(standalone === undefined ? {} : { standalone }),
    takes: `an integer from ${min} to ${max} (${unit})`,
    cli: { kind: 'integer', value: unit.replaceAll(' ', '-') },
  });
}

/** Of no use on the command line. */
export function embedded<T extends z.ZodType>(schema: T): T {
  return schema.meta({ ...schema.meta(), cli: undefined }) as T;
}

export function flag(fallback: boolean, description: string) {
  return option(z.boolean().default(fallback), {
    description,
    takes: 'true or false',
    cli: { kind: 'flag' },
  });
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
