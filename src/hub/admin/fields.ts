/** The fields of a request, from its query or from a JSON object: each is asked for by its kind, and none is unknown. Pure. */
import { describe, HubError } from '../../api/errors.js';

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws HubError `ERR_ARGUMENT` for a field that is not among those that are known */
  constructor(values: Readonly<Record<string, unknown>>, known: readonly string[]) {
    this.#values = values;
    const unknown = Object.keys(values).find((name) => !known.includes(name));
    if (unknown === undefined) return;
    const takes = known.length === 0 ? 'none here' : `only ${known.join(', ')}`;
    throw new HubError('ERR_ARGUMENT', `there is no field ${describe(unknown)}: known are ${takes}`);
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return value === undefined || typeof value === 'string' ? value : this.refuse(name, 'a text');
  }

  /** @throws HubError `ERR_ARGUMENT` when it is missing */
  need(name: string): string {
    return this.text(name) ?? this.refuse(name, 'a text, and is needed');
  }

  /** A number, or one in digits, as in a query. */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    const isRight = Number.isInteger(number) && (number as number) >= min && (number as number) <= max;
    return isRight ? (number as number) : this.refuse(name, `an integer from ${min} to ${max}`);
  }

  oneOf(name: string, choices: readonly string[]): string | undefined {
    const value = this.text(name);
    return value === undefined || choices.includes(value) ? value : this.refuse(name, choices.join(', '));
  }

  refuse(name: string, takes: string): never {
    throw new HubError('ERR_ARGUMENT', `${name} got ${describe(this.#values[name])} but takes ${takes}`);
  }
}
