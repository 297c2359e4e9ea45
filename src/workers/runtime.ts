/**
 * Runs a handler over the records of one shard: per-connection order, sync and async hooks side by side, and a failing
 * message that costs its own connection only. The same on a worker thread and, with `workers: 0`, on the front end's.
 *
 * Where it stands on a message's way: inbound ring → here → handler → here → reply ring.
 */
import { nextTick } from 'node:process';
import { Deque } from '../deque.js';
import { HubError, toErrorRecord } from '../errors.js';
import { decodeClose } from '../wire/close.js';
import type { InboundReader } from '../wire/inbound.js';
import type { RuntimeSettings } from '../wire/lane-task.js';
import { Flag, Inbound, Reply } from '../wire/layout.js';
import type { ReplyWriter } from '../wire/replies.js';
import { ConnectionContext, type ContextHost, type Deferred } from './context.js';
import type { Data, Handler } from './handler.js';
import { InboundMessage } from './message.js';
import { badReply, isAsyncIterable, isData, isIterable, isThenable } from './reply-value.js';
import type { RuntimeHost } from './runtime-host.js';
import { type Wait, Waits } from './waits.js';
import { writeData } from './write-data.js';

/** A turn of the loop that ran so long lets timers and I/O of the thread have their turn, and replies leave. */
const TURN_MS = 5;
/** Replies that are ready wait at most so long for others to leave with them. */
const REPLY_DELAY_MS = 0.1;

export class Runtime implements ContextHost {
  readonly #handler: Handler;
  readonly #inbound: InboundReader;
  readonly #replies: ReplyWriter;
  readonly #host: RuntimeHost;
  readonly #settings: RuntimeSettings;
  readonly #borrowed: boolean;
  readonly #waits: Waits;
  readonly #contexts: (ConnectionContext | undefined)[] = [];
  /** True from the first record of a turn until the thread goes to sleep or waits for its next turn. */
  #awake = false;
  #turnStart = 0;
  #lastRing = 0;

  constructor(
    handler: Handler,
    settings: RuntimeSettings,
    inbound: InboundReader,
    replies: ReplyWriter,
    host: RuntimeHost,
  ) {
    this.#handler = handler;
    this.#inbound = inbound;
    this.#replies = replies;
    this.#host = host;
    this.#settings = settings;
    this.#borrowed = handler.payload === 'borrowed';
    this.#waits = new Waits(settings.handlerTimeoutMs, (wait) => this.#onLate(wait));
  }

  /** Records are there. Harmless when it is awake already. */
  wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#turn();
  }

  // The turn

  readonly #turn = (): void => {
    this.#turnStart = this.#lastRing = performance.now();
    this.#inbound.refresh();
    this.#work();
  };

  /** Takes records until there is none, the turn is over, or a hook wants its microtasks run. hot */
  readonly #work = (): void => {
    const inbound = this.#inbound;
    while (this.#ready.length > 0 || inbound.next()) {
      if (this.#step()) {
        // An async hook that never really waits has finished before the next record begins: all microtasks
        // run first, and only then this tick.
        queueMicrotask(this.#afterMicrotasks);
        return;
      }
      if (!this.#pace()) return;
    }
    inbound.release();
    this.#host.ringFrontEnd();
    if (inbound.refresh() || !this.#host.sleep()) setImmediate(this.#turn);
    else this.#awake = false;
  };

  readonly #afterMicrotasks = (): void => nextTick(this.#resume);

  readonly #resume = (): void => {
    if (this.#waiting?.isInRing) this.#waiting.keep();
    this.#waiting = undefined;
    if (this.#pace()) this.#work();
  };

  /** Connections whose hook has settled and that have records waiting, in turn. */
  readonly #ready = new Deque<ConnectionContext>();
  /** The message whose hook returned a promise just now. */
  #waiting: InboundMessage | undefined;

  /** Lets replies leave, and the thread breathe. False when the rest is for the next turn. hot */
  #pace(): boolean {
    const now = performance.now();
    if (now - this.#lastRing > REPLY_DELAY_MS) {
      this.#lastRing = now;
      this.#inbound.release();
      this.#host.ringFrontEnd();
    }
    if (now - this.#turnStart < TURN_MS) return true;
    setImmediate(this.#turn);
    return false;
  }

  /** Runs what waited for its connection, or else takes the next record. True when a hook returned a promise. hot */
  #step(): boolean {
    if (this.#ready.length > 0) return this.#runDeferred();
    this.#inbound.take();
    return this.#take();
  }

  // Records

  /** Handles the record at hand. True when a hook returned a promise. hot */
  #take(): boolean {
    const { slot, generation } = this.#inbound;
    switch (this.#inbound.kind) {
      case Inbound.Message: {
        const context = this.#context(slot, generation);
        const message = this.#message();
        if (context?.isBusy) {
          message.keep();
          return this.#defer(context, message);
        }
        return context === undefined
          ? this.#done(slot, generation, message.byteLength)
          : this.#runMessage(context, message);
      }
      case Inbound.Open:
        return this.#runOpen(slot, generation);
      case Inbound.Close:
        return this.#onClose(slot, generation);
      case Inbound.Abort:
        this.#context(slot, generation)?.abort();
        return false;
      default:
        this.#waits.stop();
        this.#host.stopped();
        return false;
    }
  }

  #context(slot: number, generation: number): ConnectionContext | undefined {
    const context = this.#contexts[slot];
    return context !== undefined && context.generation === generation ? context : undefined;
  }

  #message(): InboundMessage {
    const { flags, position, length } = this.#inbound;
    const isBinary = (flags & Flag.Binary) !== 0;
    if ((flags & Flag.External) === 0) return new InboundMessage(isBinary, position, length, this.#inbound);
    const block = new Uint8Array(this.#host.takeBlock());
    return new InboundMessage(isBinary, position, block.byteLength, block);
  }

  /** Finishes a record that no hook is run for, or that has nothing (more) to send. hot */
  #done(slot: number, generation: number, doneBytes: number): false {
    this.#replies.write(Reply.Finish | Flag.Done, slot, generation, 0, doneBytes);
    this.#replies.commit();
    return false;
  }

  #runOpen(slot: number, generation: number): boolean {
    const { position, length, flags } = this.#inbound;
    const request = this.#inbound.text(position, length);
    const context = new ConnectionContext(this, slot, generation, request, (flags & Flag.Restarted) !== 0);
    this.#contexts[slot] = context;
    const { open } = this.#handler;
    if (open === undefined) return this.#finish(context, undefined, 0);
    return this.#run(context, 0, () => open.call(this.#handler, context));
  }

  /** hot: no closure, no promise unless the handler makes one. */
  #runMessage(context: ConnectionContext, message: InboundMessage): boolean {
    const handler = this.#handler;
    if (context.ended || handler.message === undefined) {
      return this.#done(context.slot, context.generation, message.byteLength);
    }
    try {
      const result = handler.message(context, message);
      if (this.#conclude(context, result, message, message.byteLength)) return true;
    } catch (thrown) {
      this.#fail(context, thrown, message.byteLength);
    }
    this.#leave(message);
    return false;
  }

  /** The call of a message has finished: the ring may reuse its memory. */
  #leave(message: InboundMessage): void {
    if (!message.isInRing) return;
    if (this.#borrowed) message.expire();
    else message.keep();
  }

  #onClose(slot: number, generation: number): boolean {
    const context = this.#context(slot, generation);
    const { code, reason } = decodeClose(this.#inbound.view());
    if (context === undefined) return this.#done(slot, generation, 0);
    context.abort();
    if (!context.isBusy) return this.#runClose(context, code, reason);
    return this.#defer(context, { code, reason });
  }

  #runClose(context: ConnectionContext, code: number, reason: string): boolean {
    const { close } = this.#handler;
    this.#contexts[context.slot] = undefined;
    context.ended = true;
    if (close === undefined) return this.#finish(context, undefined, 0);
    return this.#run(context, 0, () => close.call(this.#handler, context, code, reason));
  }

  /** Runs a hook that is not on the hot path. True when it returned a promise. */
  #run(context: ConnectionContext, doneBytes: number, hook: () => unknown): boolean {
    try {
      return this.#conclude(context, hook(), undefined, doneBytes);
    } catch (thrown) {
      return this.#fail(context, thrown, doneBytes);
    }
  }

  /** What a hook returned, or its promise came to: sends it, or waits for it. True when it has to be waited for. hot */
  #conclude(
    context: ConnectionContext,
    result: unknown,
    message: InboundMessage | undefined,
    doneBytes: number,
  ): boolean {
    if (isThenable(result)) this.#wait(context, result, message, doneBytes);
    else if (isAsyncIterable(result)) this.#wait(context, this.#sendAll(context, result), message, doneBytes);
    else return this.#finish(context, result, doneBytes);
    return true;
  }

  // Waiting

  /** Keeps the connection's next messages back until the promise settles. */
  #wait(
    context: ConnectionContext,
    promise: PromiseLike<unknown>,
    message: InboundMessage | undefined,
    doneBytes: number,
  ): void {
    context.waits = true;
    if (message?.isInRing) this.#waiting = message;
    const wait = this.#waits.add(context, message, doneBytes);
    // What is no promise of the language may throw in its `then`.
    const settled = promise instanceof Promise ? promise : Promise.resolve(promise);
    settled.then(
      (value) => this.#settle(wait, () => this.#finishLater(wait, value)),
      (thrown) => this.#settle(wait, () => this.#fail(context, thrown, doneBytes)),
    );
  }

  /** True when the value itself has to be waited for again. */
  #finishLater({ context, message, doneBytes }: Wait, value: unknown): boolean {
    try {
      return this.#conclude(context, value, message, doneBytes);
    } catch (thrown) {
      return this.#fail(context, thrown, doneBytes);
    }
  }

  #settle(wait: Wait, finish: () => boolean): void {
    // Its time was up before: the record has been finished, and nobody waits for this any more.
    if (wait.isOver) return;
    this.#waits.remove(wait);
    if (!finish()) this.#free(wait);
  }

  /** A hook's promise has been pending for too long: it costs its connection, not its thread. */
  #onLate(wait: Wait): void {
    const { context, doneBytes } = wait;
    const { handlerTimeoutMs } = this.#settings;
    context.ended = true;
    context.abort();
    const error = new HubError('ERR_HANDLER_TIMEOUT', `a hook did not finish within ${handlerTimeoutMs} ms`);
    this.#writeFailure(context, error, doneBytes);
    this.#free(wait);
  }

  /** The connection's next record may run: in the turn, so that the promises that settle now are all through first. */
  #free({ context, message }: Wait): void {
    if (message !== undefined) this.#leave(message);
    context.waits = false;
    if (context.deferred.length > 0) {
      this.#ready.push(context);
      this.#kick();
    } else if (!this.#awake) {
      this.#host.ringFrontEnd();
    }
  }

  /** Sets a record aside. The front end keeps it: until it begins, a crash does not cost its connection. */
  #defer(context: ConnectionContext, record: Deferred): false {
    context.deferred.push(record);
    this.#note(Reply.Defer, context);
    return false;
  }

  #note(kind: number, { slot, generation }: ConnectionContext): void {
    this.#replies.write(kind, slot, generation, this.#inbound.position, 0);
    this.#replies.commit();
  }

  #kick(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#turnStart = this.#lastRing = performance.now();
    nextTick(this.#resume);
  }

  /** Runs one record that waited for its connection. True when its hook returned a promise. */
  #runDeferred(): boolean {
    const context = this.#ready.shift()!;
    const next = context.deferred.shift();
    if (next === undefined) return false;
    this.#note(Reply.Begin, context);
    const isWaiting =
      next instanceof InboundMessage
        ? this.#runMessage(context, next)
        : this.#runClose(context, next.code, next.reason);
    if (!context.waits && context.deferred.length > 0) this.#ready.push(context);
    return isWaiting;
  }

  async #sendAll(context: ConnectionContext, items: AsyncIterable<unknown>): Promise<undefined> {
    for await (const item of items) {
      if (context.gone || context.ended) break;
      this.#sendItem(context, item);
    }
    return undefined;
  }

  // Replies

  /** Writes the last replies of a record and commits that it is finished. hot */
  #finish(context: ConnectionContext, value: unknown, doneBytes: number): false {
    const { slot, generation } = context;
    if (value === undefined || value === null || context.ended)
      return this.#done(slot, generation, doneBytes);
    if (isData(value)) {
      writeData(this.#replies, context, value, Flag.Done, doneBytes);
      this.#replies.commit();
      return false;
    }
    if (!isIterable(value)) throw badReply(value);
    for (const item of value) this.#sendItem(context, item);
    return this.#done(slot, generation, doneBytes);
  }

  #fail(context: ConnectionContext, thrown: unknown, doneBytes: number): false {
    if (this.#settings.onHandlerError === 'close') context.ended = true;
    this.#writeFailure(context, thrown, doneBytes);
    return false;
  }

  #writeFailure(context: ConnectionContext, thrown: unknown, doneBytes: number): void {
    const { slot, generation } = context;
    const record = JSON.stringify(toErrorRecord(thrown));
    this.#replies.writeText(Reply.Failure | Flag.Done, slot, generation, record, doneBytes);
    this.#replies.commit();
  }

  #sendItem(context: ConnectionContext, item: unknown): void {
    if (item === undefined) return;
    if (!isData(item)) throw badReply(item);
    if (!context.ended) this.send(context, item);
  }

  /** For `connection.send`, at any time. */
  send(context: ConnectionContext, data: Data): void {
    if (!isData(data)) throw badReply(data);
    writeData(this.#replies, context, data, 0, 0);
    this.#replies.commit();
    if (!this.#awake) this.#host.ringFrontEnd();
  }

  /** For what a connection asks for beside messages, at any time. */
  post({ slot, generation }: ConnectionContext, kind: number, payload: Uint8Array): void {
    this.#replies.writeBytes(kind, slot, generation, payload, 0);
    this.#replies.commit();
    if (!this.#awake) this.#host.ringFrontEnd();
  }
}
