/** What handlers of this worker have asked of the hub and wait for. Worker thread. */
import { HubError } from '../../api/errors.js';
import { decodeAnswer, encodeRequest, type HandlerRequest } from '../../wire/handler-request.js';
import * as Reply from '../../wire/reply-kind.js';

/** Questions that may be unanswered. */
const MAX_PENDING = 10_000;

/** Writes a record for a connection; slot 0 and generation 0 for none. */
export type Post = (slot: number, generation: number, kind: number, payload: Uint8Array) => void;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Requests {
  #post: Post | undefined;
  #last = 0;
  readonly #pending = new Map<number, Pending>();

  /** The worker serves: from here on it can ask. */
  attach(post: Post): void {
    this.#post = post;
  }

  /** Writes a record that nobody answers. @throws HubError `ERR_HUB_STATE` */
  post(slot: number, generation: number, kind: number, payload: Uint8Array): void {
    if (this.#post === undefined) throw notYet();
    this.#post(slot, generation, kind, payload);
  }

  /** @throws what the hub answers (rejection) */
  ask<T>(slot: number, generation: number, request: HandlerRequest, data?: Uint8Array): Promise<T> {
    const answer = new Promise<T>((resolve, reject) => {
      if (this.#post === undefined) throw notYet();
      if (this.#pending.size >= MAX_PENDING)
        throw new HubError('ERR_BROKER_BUSY', `${MAX_PENDING} questions of this worker wait already`);
      const id = (this.#last = (this.#last + 1) >>> 0);
      this.#post(slot, generation, Reply.Request, encodeRequest(id, request, data));
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
    });
    // What nobody waits for must not end the thread.
    answer.catch(() => {});
    return answer;
  }

  onAnswer(text: string): void {
    const { id, value, error } = decodeAnswer(text);
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(value);
    else pending?.reject(error);
  }
}

function notYet(): HubError {
  return new HubError('ERR_HUB_STATE', 'this worker has not started: it can ask once start has finished');
}
