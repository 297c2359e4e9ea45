/** A connection as its handler sees it, and what the runtime remembers of it. Owned by the worker thread. */
import type { SubscribeOptions, SubscribeResult, TopicLoss } from '../api/broker.js';
import type { Connection, Data, Handler, SendResult } from '../api/handler.js';
import type { HandshakeRequest } from '../api/handshake-request.js';
import type { HandlerLog } from '../api/logger.js';
import { checkCloseCode, encodeClose } from '../wire/close.js';
import * as Flag from '../wire/flag.js';
import { connectionId } from '../wire/id.js';
import * as Reply from '../wire/reply-kind.js';
import { decodeHandshake, type Handshake, unpack } from '../wire/request.js';
import type { HookTimings } from '../wire/timings.js';
import { Access, type HubAccessHost } from './access/hub-access.js';
import type { InboundMessage } from './message.js';
import type { ReorderBuffer, ReorderEntry } from './reorder-buffer.js';
import { DROPPED, type SendCredit } from './send-credit.js';

/** What a context needs of its runtime. */
export interface ContextHost {
  send(context: ConnectionContext, data: Data): SendResult;
  readonly log: { logOf(context: ConnectionContext): HandlerLog };
  /** Writes a reply that is no message. */
  post(context: ConnectionContext, kind: number, payload: Uint8Array): void;
  readonly access: HubAccessHost;
}

/** What waits for its turn while the connection is busy: a message, what a topic has lost, or the end of the connection. */
export type Deferred = InboundMessage | TopicLoss | { readonly code: number; readonly reason: string };

export class ConnectionContext extends Access implements Connection {
  state: unknown = undefined;
  readonly restarted: boolean;
  readonly reloaded: boolean;
  readonly handler: Handler;
  /** Where its hooks are measured, if they are. */
  timings: HookTimings | undefined = undefined;
  /** Hooks of this connection that are waited for, and how many there may be: one until it is open. */
  running = 0;
  limit = 1;
  /** True once its handler failed or closed it: no message is processed any more, but those that have begun. */
  refuses = false;
  /** True once nothing is sent any more for that. */
  ended = false;
  /** True once the peer is gone. */
  gone = false;
  /** The messages that are worked on, where their replies leave in order. */
  reorderBuffer: ReorderBuffer<ReorderEntry> | undefined = undefined;
  /** How much it may be sent; undefined until it is sent something beside replies. */
  credit: SendCredit | undefined = undefined;
  /** What arrived while it was busy, in order. */
  readonly deferred: Deferred[] = [];
  readonly #host: ContextHost;
  #id: string | undefined;
  /** As it came, until somebody looks. */
  #handshake: string | Handshake;
  #abort: AbortController | undefined;
  #log: HandlerLog | undefined;
  /** Called when it is over. */
  #watchers: Set<() => void> | undefined;

  constructor(
    host: ContextHost,
    handler: Handler,
    slot: number,
    generation: number,
    request: string,
    flags: number,
  ) {
    super(host.access, slot, generation);
    this.#host = host;
    this.handler = handler;
    this.restarted = (flags & Flag.Restarted) !== 0;
    this.reloaded = (flags & Flag.Reloaded) !== 0;
    this.#handshake = request;
  }

  /** What is called first: `resume` for what another worker has suspended, else `open`. */
  openingHook(state: Uint8Array | undefined): (() => unknown) | undefined {
    const { handler } = this;
    const { open, resume } = handler;
    if (state !== undefined && resume !== undefined) return () => resume.call(handler, this, unpack(state));
    return open && (() => open.call(handler, this));
  }

  get id(): string {
    this.#id ??= connectionId(this.slot, this.generation);
    return this.#id;
  }

  /** True when a new message has to wait: for a hook, or behind others that wait. */
  get isBusy(): boolean {
    return this.running >= this.limit || this.deferred.length > 0;
  }

  /** True when nothing can be sent any more. */
  get isOver(): boolean {
    return this.gone || this.ended;
  }

  /** True when what has waited longest may begin: the end only after everything else. */
  get mayBegin(): boolean {
    const next = this.deferred[0];
    if (next === undefined) return false;
    return this.running < ('code' in next ? 1 : this.limit);
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

  get log(): HandlerLog {
    this.#log ??= this.#host.log.logOf(this);
    return this.#log;
  }

  send(data: Data): SendResult {
    if (this.gone || this.ended) return DROPPED;
    return this.#host.send(this, data);
  }

  subscribe(topic: string): void;
  subscribe(topic: string, options: SubscribeOptions): Promise<SubscribeResult>;
  subscribe(topic: string, options?: SubscribeOptions): Promise<SubscribeResult> | undefined {
    if (options !== undefined) return this.ask({ op: 'subscribe', topic, options });
    this.#post(Reply.Subscribe, Buffer.from(this.nameOf(topic)));
    return undefined;
  }

  unsubscribe(topic: string): void {
    this.#post(Reply.Unsubscribe, Buffer.from(this.nameOf(topic)));
  }

  close(code = 1000, reason = ''): void {
    checkCloseCode(code);
    if (this.gone || this.ended) return;
    this.#host.post(this, Reply.Close, encodeClose(code, String(reason)));
    this.end();
  }

  /** Nothing is sent any more. */
  end(): void {
    this.refuses = true;
    this.ended = true;
    this.#tellOver();
  }

  #post(kind: number, payload: Uint8Array): void {
    if (!this.gone && !this.ended) this.#host.post(this, kind, payload);
  }

  #decoded(): Handshake {
    if (typeof this.#handshake === 'string') this.#handshake = decodeHandshake(this.#handshake);
    return this.#handshake;
  }

  /** The peer is gone. */
  abort(): void {
    if (this.gone) return;
    this.gone = true;
    this.#abort?.abort();
    this.#tellOver();
  }

  /** Calls back once, when the connection is over. */
  watch(onOver: () => void): void {
    this.#watchers ??= new Set();
    this.#watchers.add(onOver);
  }

  unwatch(onOver: () => void): void {
    this.#watchers?.delete(onOver);
  }

  #tellOver(): void {
    this.credit?.end();
    const watchers = this.#watchers;
    this.#watchers = undefined;
    for (const watcher of watchers ?? []) watcher();
  }
}
