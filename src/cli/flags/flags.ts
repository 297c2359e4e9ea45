/**
 * How the options of the one schema are spelled on the command line (`--max-payload <bytes>`) and in the
 * environment (`SHARDHUB_MAX_PAYLOAD`).
 */
import { type HubOptions, listOptions, type OptionInfo } from '../../index.js';

export const ENV_PREFIX = 'SHARDHUB_';

/** One option of the schema that the command line offers. */
export interface Flag {
  readonly name: keyof HubOptions;
  /** For a flag that gives one field of an option: its name. */
  readonly field?: string;
  readonly kind: NonNullable<OptionInfo['cli']>['kind'];
  /** The flag as users type it to depart from the default, with its placeholder if it takes a value. */
  readonly usage: string;
  /** For a switch: the flag that restores the default, so that a flag can overrule the environment. */
  readonly counterpart?: string;
  /** What it means without a value; it needs one otherwise. */
  readonly bare?: string;
  readonly env: string;
  readonly help: string;
  /** What a valid value is. */
  readonly takes: string;
}

/** Where `shardhub serve` departs from the defaults of an embedded hub. */
export const SERVE_DEFAULTS = { console: true } as const satisfies HubOptions;

/** Every option that the command line offers, in the order of the schema. */
export function listFlags(): Flag[] {
  return listOptions().flatMap((info) => {
    if (info.cli === undefined) return [];
    const { fields } = info.cli;
    return fields === undefined ? [toFlag(info, info.cli)] : toFieldFlags(info, fields);
  });
}

/** One flag for each field of an option that is an object: `--tls-key` for `tls.key`. */
function toFieldFlags(info: OptionInfo, fields: Readonly<Record<string, string>>): Flag[] {
  return Object.entries(fields).map(([field, description]) => {
    const { name } = info;
    const kebab = toKebab(`${name}-${field}`);
    const env = toVariable(kebab);
    const [value, takes] = field === 'passphrase' ? ['text', 'a text'] : ['path', 'the path of a PEM file'];
    const help = `${description}\ntakes ${takes}\ndefault: none, env: ${env}`;
    return { name, field, kind: 'string', env, takes, usage: `--${kebab} <${value}>`, help };
  });
}

/** The name under which the command line's parser hands a flag over. */
export function attributeOf({ name, field }: Flag): string {
  return field === undefined ? name : `${name}${field[0]!.toUpperCase()}${field.slice(1)}`;
}

function toKebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function toVariable(kebab: string): string {
  return ENV_PREFIX + kebab.toUpperCase().replaceAll('-', '_');
}

function toFlag(info: OptionInfo, cli: NonNullable<OptionInfo['cli']>): Flag {
  const { kind, value = 'value', takes = info.takes, bare } = cli;
  const { name } = info;
  const kebab = toKebab(name);
  const env = toVariable(kebab);
  const fallback =
    info.fallbackText ?? String((SERVE_DEFAULTS as HubOptions)[name] ?? (info.fallback || 'none'));
  const spelling = { name, kind, env, takes };
  if (kind !== 'flag') {
    const help = `${info.description}\ntakes ${takes}\ndefault: ${fallback}, env: ${env}`;
    const placeholder = bare === undefined ? `<${value}>` : `[${value}]`;
    return { ...spelling, usage: `--${kebab} ${placeholder}`, help, ...(bare === undefined ? {} : { bare }) };
  }
  const isOn = fallback === 'true';
  const help = `${isOn ? 'do not ' : ''}${info.description}\ndefault: ${isOn ? 'on' : 'off'}, env: ${env}=true|false`;
  const [on, off] = [`--${kebab}`, `--no-${kebab}`];
  return { ...spelling, usage: isOn ? off : on, counterpart: isOn ? on : off, help };
}
