/** A connection as its handler sees it, and what the runtime remembers of it. Owned by the worker thread. */
import { isSendableCloseCode } from '../close-codes.js';
import { describe, HubError } from '../errors.js';
import { encodeClose } from '../wire/close.js';
import { connectionId } from '../wire/id.js';
import { Flag, Reply } from '../wire/layout.js';
import { checkTopic, conflationKey, encodePublish } from '../wire/publish.js';
import type { HandshakeRequest } from '../wire/request.js';
import type { Connection, ConnectionPublishOptions, Data } from './handler.js';
import type { InboundMessage } from './message.js';
import { toFrame } from './reply-value.js';

/** What a context needs of its runtime. */
export interface ContextHost {
  send(context: ConnectionContext, data: Data): void;
  /** Writes a reply that is no message. */
  post(context: ConnectionContext, kind: number, payload: Uint8Array): void;
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
  #request: string | HandshakeRequest;
  #abort: AbortController | undefined;

  constructor(host: ContextHost, slot: number, generation: number, request: string, restarted: boolean) {
    this.#host = host;
    this.slot = slot;
    this.generation = generation;
    this.restarted = restarted;
    this.id = connectionId(slot, generation);
    this.#request = request;
  }

  /** True when a new record has to wait: for a hook, or behind others that wait. */
  get isBusy(): boolean {
    return this.waits || this.deferred.length > 0;
  }

  get request(): HandshakeRequest {
    if (typeof this.#request === 'string') this.#request = JSON.parse(this.#request) as HandshakeRequest;
    return this.#request;
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

  subscribe(topic: string): void {
    this.#post(Reply.Subscribe, encodeTopic(topic));
  }

  unsubscribe(topic: string): void {
    this.#post(Reply.Unsubscribe, encodeTopic(topic));
  }

  publish(topic: string, data: Data, options: ConnectionPublishOptions = {}): void {
    checkTopic(topic);
    const { bytes, isBinary } = toFrame(data);
    const key = conflationKey(topic, options.conflate);
    const payload = encodePublish(topic, key, options.toSelf === true, bytes);
    this.#post(isBinary ? Reply.Publish | Flag.Binary : Reply.Publish, payload);
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
    this.#host.post(this, Reply.Close, encodeClose(code, String(reason)));
  }

  #post(kind: number, payload: Uint8Array): void {
    if (!this.gone && !this.ended) this.#host.post(this, kind, payload);
  }

  /** The peer is gone. */
  abort(): void {
    this.gone = true;
    this.#abort?.abort();
  }
}

function encodeTopic(topic: string): Uint8Array {
  checkTopic(topic);
  return Buffer.from(topic);
}
