/**
 * Up to where memory of the inbound side may be used again: behind every reply that refers to it, also while one turn
 * after another ends before all replies are applied. I/O thread.
 */
import type { ReplyReader } from '../../wire/replies.js';

export class ReleasePoint {
  /** What the worker had released when a turn ended too early, and how far replies went then. */
  #owed: { readonly released: number; readonly head: number } | undefined;

  /**
   * Replies have been applied.
   *
   * @param released up to where the worker had released records before those replies were looked for
   * @param isDone all of them have been applied
   * @returns a position up to which memory may be used again, if there is a new one
   */
  next(released: number, replies: ReplyReader, isDone: boolean): number | undefined {
    const owed = this.#owed;
    if (!isDone && owed !== undefined && !replies.hasPassed(owed.head)) return undefined;
    this.#owed = isDone ? undefined : { released, head: replies.head };
    return isDone ? released : owed?.released;
  }
}
