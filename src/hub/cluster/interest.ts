/**
 * What this node needs of the engine, and for how long: a topic that nobody needs any more is kept for a moment, so that
 * those who come and go cost nobody anything. I/O thread.
 */

/** So long. */
const LINGER_MS = 5000;
const SWEEP_MS = 1000;

interface Entry<T> {
  readonly value: T;
  users: number;
  idleSince: number;
}

export class Interest<T> {
  readonly #make: (name: string) => T;
  readonly #drop: (name: string, value: T) => void;
  readonly #lingerMs: number;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #idle = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(make: (name: string) => T, drop: (name: string, value: T) => void, lingerMs = LINGER_MS) {
    this.#make = make;
    this.#drop = drop;
    this.#lingerMs = lingerMs;
  }

  get(name: string): T | undefined {
    return this.#entries.get(name)?.value;
  }

  *values(): IterableIterator<T> {
    for (const { value } of this.#entries.values()) yield value;
  }

  /** One user more. */
  retain(name: string): T {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = { value: this.#make(name), users: 0, idleSince: 0 };
      this.#entries.set(name, entry);
    }
    entry.users++;
    this.#idle.delete(name);
    return entry.value;
  }

  /** One user less. */
  release(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || --entry.users > 0) return;
    entry.idleSince = performance.now();
    this.#idle.add(name);
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#idle.clear();
    for (const [name, { value }] of this.#entries) this.#drop(name, value);
    this.#entries.clear();
  }

  #sweep(): void {
    const before = performance.now() - this.#lingerMs;
    for (const name of this.#idle) {
      const entry = this.#entries.get(name)!;
      if (entry.idleSince > before) break;
      this.#idle.delete(name);
      this.#entries.delete(name);
      this.#drop(name, entry.value);
    }
    if (this.#idle.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
