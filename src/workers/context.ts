/** A connection as its handler sees it, and what the runtime remembers of it. Owned by the worker thread. */
import { isSendableCloseCode } from '../close-codes.js';
import { describe, HubError } from '../errors.js';
import { connectionId } from '../wire/id.js';
import { decodeHandshake, type Handshake, type HandshakeRequest } from '../wire/request.js';
import type { Connection, Data } from './handler.js';
import type { InboundMessage } from './message.js';

/** What a context needs of its runtime. */
export interface ContextHost {
  send(context: ConnectionContext, data: Data): void;
  close(context: ConnectionContext, code: number, reason: string): void;
}

/** What waits for its turn while the connection is busy: a message, or the end of the connection. */
export type Deferred = InboundMessage | { readonly code: number; readonly reason: string };

export class ConnectionContext implements Connection {
  state: unknown = undefined;
  readonly id: string;
  readonly slot: number;
  readonly generation: number;
  readonly restarted: boolean;
  /** True while a hook of this connection waits for a promise. */
  waits = false;
  /** True once its handler failed or closed it: its messages are not processed any more. */
  ended = false;
  /** True once the peer is gone. */
  gone = false;
  /** What arrived while it was busy, in order. */
  readonly deferred: Deferred[] = [];
  readonly #host: ContextHost;
  /** As it came, until somebody looks. */
  #handshake: string | Handshake;
  #abort: AbortController | undefined;

  constructor(host: ContextHost, slot: number, generation: number, request: string, restarted: boolean) {
    this.#host = host;
    this.slot = slot;
    this.generation = generation;
    this.restarted = restarted;
    this.id = connectionId(slot, generation);
    this.#handshake = request;
  }

  /** True when a new record has to wait: for a hook, or behind others that wait. */
  get isBusy(): boolean {
    return this.waits || this.deferred.length > 0;
  }

  get request(): HandshakeRequest {
    return this.#decoded().request;
  }

  get data(): unknown {
    return this.#decoded().data;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.gone) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  send(data: Data): boolean {
    if (this.gone || this.ended) return false;
    this.#host.send(this, data);
    return true;
  }

  close(code = 1000, reason = ''): void {
    if (!isSendableCloseCode(code)) {
      throw new HubError(
        'ERR_CLOSE_ARGUMENT',
        `close got the code ${describe(code)} but takes 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999`,
      );
    }
    if (this.gone || this.ended) return;
    this.ended = true;
    this.#host.close(this, code, String(reason));
  }

  #decoded(): Handshake {
    if (typeof this.#handshake === 'string') this.#handshake = decodeHandshake(this.#handshake);
    return this.#handshake;
  }

  /** The peer is gone. */
  abort(): void {
    this.gone = true;
    this.#abort?.abort();
  }
}
