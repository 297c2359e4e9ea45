/**
 * What a worker is told ahead of what waits to enter the ring, and what is never finished: for the life of the worker that it
 * was written for, and forgotten with it. I/O thread.
 */
import { Deque } from '../../util/deque.js';
import type { InboundWriter } from '../../wire/inbound.js';
import * as Inbound from '../../wire/inbound-kind.js';

/** Tells a worker that takes no records any more. */
export type TellWorker = (kind: number, slot: number, generation: number, payload: Uint8Array) => void;

type Place = { readonly slot: number; readonly generation: number };

interface Note {
  readonly kind: number;
  readonly place: Place;
  readonly payload: Uint8Array;
}

const KINDS: ReadonlySet<number> = new Set([Inbound.Abort, Inbound.Credit, Inbound.Answer]);
const NOTHING = new Uint8Array(0);
const NOBODY: Place = { slot: 0, generation: 0 };

export class Notes {
  readonly #waiting = new Deque<Note>();

  /** True for the kind of a record that is a note. */
  static isNote(kind: number): boolean {
    return KINDS.has(kind);
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(kind: number, place: Place = NOBODY, payload: Uint8Array = NOTHING): void {
    this.#waiting.push({ kind, place, payload });
  }

  /** Writes them as far as there is room. */
  write(inbound: InboundWriter): void {
    for (let note = this.#waiting.peek(); note !== undefined; note = this.#waiting.peek()) {
      const { kind, place, payload } = note;
      if (!inbound.tryWrite(kind, place.slot, place.generation, payload)) return;
      this.#waiting.shift();
    }
  }

  /** The same past the ring. */
  tell(tell: TellWorker): void {
    for (const { kind, place, payload } of this.#waiting) tell(kind, place.slot, place.generation, payload);
    this.#waiting.clear();
  }

  clear(): void {
    this.#waiting.clear();
  }
}
