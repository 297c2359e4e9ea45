/** What the entries of brokers take: every wrong option is told by its name. Its value is not: it may be a secret. */
import { HubError } from '../api/errors.js';
import { NAME_PREFIX } from '../util/address.js';
import { DEFAULT_PREFIX } from './settings.js';

export interface OptionCheck {
  /** What is right, in words. */
  readonly takes: string;
  readonly isRight: (value: unknown) => boolean;
}

export const TEXT: OptionCheck = {
  takes: 'a text',
  isRight: (value) => typeof value === 'string' && value !== '',
};
export const FLAG: OptionCheck = {
  takes: 'true or false',
  isRight: (value) => typeof value === 'boolean',
};
export const OBJECT: OptionCheck = {
  takes: 'an object',
  isRight: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
/** Of every engine. */
export const COMMON = {
  credentialsFile: { ...TEXT, takes: 'the path of a file' },
  prefix: {
    takes: `1 to 32 letters, digits, _ and -, as ${DEFAULT_PREFIX} is`,
    isRight: (value) => typeof value === 'string' && NAME_PREFIX.test(value),
  },
  raw: FLAG,
} as const satisfies Record<string, OptionCheck>;

/** @throws HubError `ERR_OPTION` that names each option that is unknown or wrong */
export function checkOptions(maker: string, options: unknown, checks: Readonly<Record<string, OptionCheck>>) {
  if (!OBJECT.isRight(options)) throw wrong(maker, 'its options are an object');
  const complaints = Object.entries(options as object).flatMap(([name, value]) => {
    if (!Object.hasOwn(checks, name)) return `unknown option "${name}"`;
    const { takes, isRight } = checks[name]!;
    return value === undefined || isRight(value) ? [] : `option "${name}" takes ${takes}`;
  });
  if (complaints.length > 0) throw wrong(maker, complaints.join('; '));
}

/** What was given as undefined was not given: spread behind a default, it would take its place. */
export function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** @throws HubError `ERR_OPTION` when an option is given together with others that say the same */
export function checkAlone(maker: string, options: object, name: string, others: readonly string[]): void {
  const given = new Map(Object.entries(options));
  if (given.get(name) === undefined) return;
  const both = others.filter((other) => given.get(other) !== undefined);
  if (both.length > 0) throw wrong(maker, `options "${name}" and "${both.join('", "')}" were both given`);
}

function wrong(maker: string, why: string): HubError {
  return new HubError('ERR_OPTION', `${maker}: ${why}`);
}
