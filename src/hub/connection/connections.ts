/**
 * The table of connections. An id is a slot and the slot's generation, so a late reply for a peer that is gone misses
 * instead of reaching the slot's next owner.
 */
import type { Connection } from './connection.js';

export class Connections {
  readonly #slots: (Connection | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  #size = 0;

  /** Connections in the table: open ones, and gone ones that a worker has not finished with. */
  get size(): number {
    return this.#size;
  }

  /** Makes a connection in a free slot. */
  add(make: (slot: number, generation: number) => Connection): Connection {
    const slot = this.#free.pop() ?? this.#slots.length;
    const generation = (this.#generations[slot] ?? 0) + 1;
    const connection = make(slot, generation);
    this.#generations[slot] = generation;
    this.#slots[slot] = connection;
    this.#size++;
    return connection;
  }

  /** hot: once per reply. */
  get(slot: number, generation: number): Connection | undefined {
    const connection = this.#slots[slot];
    return connection !== undefined && connection.generation === generation ? connection : undefined;
  }

  remove(connection: Connection): void {
    if (this.#slots[connection.slot] !== connection) return;
    this.#slots[connection.slot] = undefined;
    this.#size--;
    // A generation that could wrap is not used any more: the slot rests for good.
    if (connection.generation < 0x7fff_ffff) this.#free.push(connection.slot);
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const connection of this.#slots) if (connection !== undefined) yield connection;
  }
}
