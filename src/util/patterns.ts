/** What a name is given by the first pattern that fits it. Both threads. */

/** Names whose value is remembered. */
const MAX_KNOWN = 10_000;

export class Patterns<T> {
  #patterns: readonly { readonly pattern: RegExp; readonly value: T }[] = [];
  readonly #known = new Map<string, T | undefined>();

  /** @param values by pattern, in which `*` stands for any text, also for none */
  constructor(values: Readonly<Record<string, T>>) {
    this.replace(values);
  }

  /** From here on names are given these. */
  replace(values: Readonly<Record<string, T>>): void {
    this.#known.clear();
    this.#patterns = Object.entries(values).map(([text, value]) => ({ pattern: toPattern(text), value }));
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** What names may be given, in the order of the patterns. */
  values(): T[] {
    return this.#patterns.map(({ value }) => value);
  }

  /** hot: once per publication. */
  of(name: string): T | undefined {
    if (this.#patterns.length === 0) return undefined;
    const known = this.#known.get(name);
    if (known !== undefined || this.#known.has(name)) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const value = this.#patterns.find(({ pattern }) => pattern.test(name))?.value;
    this.#known.set(name, value);
    return value;
  }
}

function toPattern(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
