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

  pushCopy(kind: number, payload: Uint8Array): void {
    this.push({ kind, payload: this.#copies.take(payload, this.length) });
  }
}
