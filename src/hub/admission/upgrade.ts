/**
 * A handshake from its request to its answer: what the hub itself refuses, then what the application's `upgrade` hook
 * says, at once or later. I/O thread.
 */
import type { HandshakeRequest } from '../../api/handshake-request.js';
import { Deadlines } from '../../util/deadlines.js';
import { isThenable } from '../../util/thenable.js';
import { type Refusal, refusal, tryAgain } from './admission.js';
import type { Route } from './routes.js';
import { type Acceptance, judgeResult, type UpgradeVerdict } from './upgrade-result.js';

/** A handshake that waits for its answer. Exactly one of `accept` and `refuse` is called, once. */
export interface HandshakePort {
  readonly request: HandshakeRequest;
  /** Puts the answer off; to be called before the engine's callback returns. Nothing is called after `onAborted`. */
  defer(onAborted: () => void): void;
  /** The connection opens inside the call. */
  accept(acceptance: Acceptance): void;
  refuse(refusal: Refusal): void;
}

export interface UpgradeOptions {
  readonly upgradeTimeoutMs: number;
  readonly maxPendingUpgrades: number;
}

export interface UpgradeHost {
  /** The route of a request. @throws Error when there is none */
  routeOf(request: HandshakeRequest): Route;
  /** What the hub refuses before it asks the application. */
  refuse(request: HandshakeRequest): Refusal | undefined;
  /** The part of it that may have changed while the application thought. */
  refuseLate(request: HandshakeRequest): Refusal | undefined;
  /** The hub is not running, or not any more. */
  refuseUnready(): Refusal | undefined;
  /** Finds a place for a handshake that is accepted. */
  place(acceptance: Acceptance): UpgradeVerdict;
  /** A refusal was sent. */
  onRefused(request: HandshakeRequest, refusal: Refusal): void;
  onError(error: unknown): void;
}

export class Upgrades {
  readonly #options: UpgradeOptions;
  readonly #host: UpgradeHost;
  /** Handshakes whose hook has not settled. */
  readonly #pending: Deadlines<HandshakePort>;

  constructor(options: UpgradeOptions, host: UpgradeHost) {
    this.#options = options;
    this.#host = host;
    this.#pending = new Deadlines(options.upgradeTimeoutMs, (port) => this.#refuse(port, tooLate()));
  }

  /** Gauge: handshakes whose hook has not settled. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Never throws. */
  onHandshake(port: HandshakePort): void {
    try {
      const refused = this.#host.refuse(port.request) ?? this.#refuseFlood();
      if (refused !== undefined) this.#refuse(port, refused);
      else this.#ask(port);
    } catch (error) {
      this.#fail(port, error);
    }
  }

  /** Answers every handshake whose hook has not settled. */
  refuseAll(answer: Refusal): void {
    for (const port of this.#pending.takeAll()) this.#refuse(port, answer);
  }

  #ask(port: HandshakePort): void {
    const result: unknown = this.#host.routeOf(port.request).upgrade?.(port.request);
    if (isThenable(result)) this.#wait(port, result);
    else this.#answer(port, result);
  }

  #wait(port: HandshakePort, result: PromiseLike<unknown>): void {
    this.#pending.add(port);
    port.defer(() => this.#pending.remove(port));
    // What is no promise of the language may throw in its `then`.
    Promise.resolve(result).then(
      (value) => this.#settle(port, value),
      (error) => {
        if (this.#pending.remove(port)) this.#fail(port, error);
      },
    );
  }

  #settle(port: HandshakePort, result: unknown): void {
    // The client is gone, or was answered at the deadline or at the hub's end.
    if (!this.#pending.remove(port)) return;
    try {
      const refused = this.#host.refuseLate(port.request);
      if (refused !== undefined) this.#refuse(port, refused);
      else this.#answer(port, result);
    } catch (error) {
      this.#fail(port, error);
    }
  }

  #answer(port: HandshakePort, result: unknown): void {
    const judged = judgeResult(result, port.request, this.#host.routeOf(port.request));
    const verdict = 'accept' in judged ? this.#host.place(judged.accept) : judged;
    if ('cause' in verdict && verdict.cause !== undefined) this.#host.onError(verdict.cause);
    // Code of the application has run, which may have closed the hub.
    const unready = this.#host.refuseUnready();
    if (unready !== undefined) this.#refuse(port, unready);
    else if ('accept' in verdict) port.accept(verdict.accept);
    else this.#refuse(port, verdict.refuse);
  }

  #refuseFlood(): Refusal | undefined {
    if (this.#pending.size < this.#options.maxPendingUpgrades) return undefined;
    return tryAgain('max-pending-upgrades', 'Too many handshakes wait: try again.');
  }

  #refuse(port: HandshakePort, answer: Refusal): void {
    this.#host.onRefused(port.request, answer);
    port.refuse(answer);
  }

  /** The client learns nothing of what went wrong: the log does. */
  #fail(port: HandshakePort, error: unknown): void {
    this.#host.onError(error);
    this.#refuse(
      port,
      refusal(
        'upgrade-error',
        '500 Internal Server Error',
        'The server failed to decide on this connection.',
      ),
    );
  }
}

function tooLate(): Refusal {
  return tryAgain('upgrade-timeout', 'The server took too long to decide: try again.');
}
