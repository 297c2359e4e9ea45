/** What one option of the schema is made of: its rule, its description, and how the command line spells it. */
import { z } from 'zod';

/** How the command line and the environment spell an option. */
export interface CliMeta {
  /**
   * `flag` takes no value; `list` is separated by commas; `pairs` is a list of name=number; `fields` has one flag for
   * each field of an object.
   */
  readonly kind: 'string' | 'integer' | 'flag' | 'list' | 'pairs' | 'fields';
  /** Placeholder in `--help`. */
  readonly value?: string;
  /** For `fields`: name and description of each. */
  readonly fields?: Readonly<Record<string, string>>;
}

export const KIB = 1024;
export const MIB = 1024 * KIB;

export interface OptionMeta {
  readonly description: string;
  /** What a valid value is, for error messages. */
  readonly takes: string;
  readonly cli?: CliMeta;
}

export function option<T extends z.ZodType>(schema: T, meta: OptionMeta): T {
  return schema.meta({ ...meta }) as T;
}

export function integer(min: number, max: number, fallback: number, unit: string, description: string) {
  return option(z.int().min(min).max(max).default(fallback), {
    description,
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
