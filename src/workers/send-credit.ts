/**
 * How much a connection may be sent before its peer is known to keep up: credit on demand. Owned by the worker.
 *
 * The worker counts what it sends. After half a window it asks the I/O thread, which answers once nothing is queued for
 * the connection and its socket is below the high-water mark. A window that is used up without an answer is full.
 */
import type { SendResult } from '../api/handler.js';
import type { SendStatus } from '../api/send-status.js';
import type { SendWindow } from '../wire/worker-task.js';

/** What `send` returns. */
export abstract class Sent implements SendResult {
  abstract readonly status: SendStatus;
  /** What waiting for it comes to. */
  protected abstract settled(): Promise<SendStatus>;

  // biome-ignore lint/suspicious/noThenProperty: it is to be awaited
  then<A = SendStatus, B = never>(
    onFulfilled?: ((status: SendStatus) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.settled().then(onFulfilled, onRejected);
  }
}

class DecidedSend extends Sent {
  readonly status: SendStatus;

  constructor(status: SendStatus) {
    super();
    this.status = status;
    Object.freeze(this);
  }

  protected async settled(): Promise<SendStatus> {
    return this.status;
  }
}

class QueuedSend extends Sent {
  readonly status = 'queued';
  readonly #credit: SendCredit;

  constructor(credit: SendCredit) {
    super();
    this.#credit = credit;
    Object.freeze(this);
  }

  protected settled(): Promise<SendStatus> {
    return this.#credit.wait();
  }
}

/** One object each for all sends: nothing is allocated for them. */
export const ACCEPTED: SendResult = new DecidedSend('accepted');
export const DROPPED: SendResult = new DecidedSend('dropped');

export class SendCredit {
  readonly #window: SendWindow;
  /** Sent since the I/O thread last said that there is credit. */
  #bytes = 0;
  #messages = 0;
  /** How much of it had been sent when the question was asked that has no answer yet. */
  #asked: SendWindow | undefined;
  #isOver = false;
  #whenGranted: Promise<SendStatus> | undefined;
  #settle: ((status: SendStatus) => void) | undefined;
  /** When somebody who waited was last given credit, in ms of `performance.now()`. */
  #grantedAt = Number.NEGATIVE_INFINITY;
  readonly #queued = new QueuedSend(this);

  constructor(window: SendWindow) {
    this.#window = window;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#window.bytes || this.#messages >= this.#window.messages;
  }

  /** What `send` says of the message that was counted last. */
  get result(): SendResult {
    return this.isFull ? this.#queued : ACCEPTED;
  }

  /** Counts a message. True when the I/O thread is to be asked now. hot: once per send */
  spend(bytes: number): boolean {
    this.#bytes += bytes;
    this.#messages++;
    return this.#mustAsk();
  }

  /** What had been sent when it was asked counts no more. True when it is to be asked again. */
  grant(): boolean {
    this.#bytes -= this.#asked?.bytes ?? 0;
    this.#messages -= this.#asked?.messages ?? 0;
    this.#asked = undefined;
    if (!this.isFull) this.#endWaits('accepted');
    return this.#mustAsk();
  }

  /** The connection is gone, or sends nothing any more. */
  end(): void {
    this.#isOver = true;
    this.#endWaits('dropped');
  }

  /** Resolves when there is credit, or never will be. */
  async wait(): Promise<SendStatus> {
    if (this.#isOver) return 'dropped';
    if (!this.isFull) return 'accepted';
    this.#whenGranted ??= new Promise((resolve) => {
      this.#settle = resolve;
    });
    return this.#whenGranted;
  }

  get isAwaited(): boolean {
    return this.#whenGranted !== undefined;
  }

  /** True when somebody waits for credit, or did at some time since `since`. */
  wasAwaited(since: number): boolean {
    return this.isAwaited || this.#grantedAt >= since;
  }

  #mustAsk(): boolean {
    const { bytes, messages } = this.#window;
    if (this.#asked !== undefined || (this.#bytes * 2 < bytes && this.#messages * 2 < messages)) return false;
    this.#asked = { bytes: this.#bytes, messages: this.#messages };
    return true;
  }

  #endWaits(status: SendStatus): void {
    if (this.#whenGranted === undefined) return;
    this.#grantedAt = performance.now();
    this.#settle?.(status);
    this.#whenGranted = undefined;
    this.#settle = undefined;
  }
}
