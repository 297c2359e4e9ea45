/** The hooks of a runtime that wait for a promise, oldest first, and when each has waited too long. */
import type { ConnectionContext } from './context.js';
import type { InboundMessage } from './message.js';

/** One hook that returned a promise. */
export interface Wait {
  readonly context: ConnectionContext;
  readonly message: InboundMessage | undefined;
  readonly doneBytes: number;
  readonly since: number;
  /** True once it settled or its time was up: whichever came first has finished the record. */
  isOver: boolean;
}

export class Waits {
  readonly #timeoutMs: number;
  readonly #onLate: (wait: Wait) => void;
  /** All have the same time, so the oldest is due first. */
  readonly #waiting = new Set<Wait>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs 0 is no limit */
  constructor(timeoutMs: number, onLate: (wait: Wait) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onLate = onLate;
  }

  add(context: ConnectionContext, message: InboundMessage | undefined, doneBytes: number): Wait {
    const since = this.#timeoutMs > 0 ? performance.now() : 0;
    const wait: Wait = { context, message, doneBytes, since, isOver: false };
    if (this.#timeoutMs > 0) {
      this.#waiting.add(wait);
      this.#timer ??= setTimeout(this.#look, this.#timeoutMs);
    }
    return wait;
  }

  remove(wait: Wait): void {
    wait.isOver = true;
    this.#waiting.delete(wait);
  }

  /** Nothing is late any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const wait of this.#waiting) {
      const left = wait.since + this.#timeoutMs - now;
      if (left > 0) {
        this.#timer = setTimeout(this.#look, left);
        return;
      }
      this.remove(wait);
      this.#onLate(wait);
    }
  };
}
