/** Records of one connection that wait: to enter the ring, or in the worker behind another. I/O thread. */
import { Deque } from '../../util/deque.js';
import { Copies } from './copies.js';

/** A message, or the end of the connection. */
export interface BacklogEntry {
  readonly kind: number;
  readonly payload: Uint8Array;
}

export class Backlog extends Deque<BacklogEntry> {
  readonly #copies = new Copies();

  static of(entries: readonly BacklogEntry[]): Backlog {
    const backlog = new Backlog();
    for (const entry of entries) backlog.push(entry);
    return backlog;
  }

  /** Takes a copy of `source[start…end)`, without its mask (as for `copyUnmasked`). */
  pushCopy(kind: number, source: Uint8Array, start = 0, end = source.length, mask = 0): void {
    this.push({ kind, payload: this.#copies.takeRange(source, start, end, mask, this.length) });
  }
}
