/**
 * Runs the handlers over the records of one shard: per-connection order, sync and async hooks side by side, and a failing
 * message that costs its own connection only. The same on a worker thread and, with `workers: 0`, on the I/O thread's.
 *
 * Where it stands on a message's way: inbound ring → here → handler → here → reply ring.
 */
import { nextTick } from 'node:process';
import type { TopicLoss } from '../api/broker.js';
import type { Data, Handler, SendResult } from '../api/handler.js';
import { Deque } from '../util/deque.js';
import { decodeClose } from '../wire/close.js';
import * as Flag from '../wire/flag.js';
import type { InboundReader } from '../wire/inbound.js';
import * as Inbound from '../wire/inbound-kind.js';
import type { ReplyWriter } from '../wire/replies.js';
import * as Reply from '../wire/reply-kind.js';
import { handlerOf, readOpen } from '../wire/request.js';
import type { HookName, Timings } from '../wire/timings.js';
import type { Note, RuntimeSettings } from '../wire/worker-task.js';
import type { HubAccessHost } from './access/hub-access.js';
import { ConnectionContext, type ContextHost, type Deferred } from './context.js';
import { HookResults } from './hook-results.js';
import type { Invocation } from './invocation.js';
import type { LogWriter } from './log/log-writer.js';
import { InboundMessage } from './message.js';
import { Pace } from './pace.js';
import { asText, givenUp, type RuntimeHost } from './runtime-host.js';
import { HookWatch } from './watch/hook-watch.js';

export class Runtime implements ContextHost {
  readonly access: HubAccessHost;
  readonly #handlers: readonly Handler[];
  readonly #inbound: InboundReader;
  readonly #replies: ReplyWriter;
  readonly log: LogWriter;
  readonly #host: RuntimeHost;
  readonly #timings: Timings | undefined;
  /** Hooks of one connection that may be waited for at a time. */
  readonly #limit: number;
  readonly #watch: HookWatch;
  readonly #results: HookResults;
  readonly #contexts: (ConnectionContext | undefined)[] = [];
  /** Connections whose hook has settled and that have records waiting, in turn. */
  readonly #ready = new Deque<ConnectionContext>();
  /** The message whose hook returned a promise just now: it is read in the ring until the microtasks have run. */
  #messageInRing: InboundMessage | undefined;
  /** True from the first record of a turn until the thread goes to sleep or waits for its next turn. */
  #awake = false;
  readonly #pace = new Pace();
  /** True when it would have waited for records, but timers and I/O of the thread come first. */
  #isTurnOver = false;
  #onQuiet: (() => void) | undefined;
  #hasStopped = false;

  constructor(
    handlers: readonly Handler[],
    settings: RuntimeSettings,
    inbound: InboundReader,
    replies: ReplyWriter,
    log: LogWriter,
    host: RuntimeHost,
    access: HubAccessHost,
    timings?: Timings,
  ) {
    this.access = access;
    access.requests.attach((...record) => this.#post(...record));
    this.#handlers = handlers;
    this.#inbound = inbound;
    this.#replies = replies;
    this.log = log;
    this.#host = host;
    this.#timings = timings;
    this.#limit = settings.ordering === 'serial' ? 1 : settings.maxConcurrent;
    this.#watch = new HookWatch(log);
    this.#results = new HookResults(replies, settings, this.#watch, {
      onReply: () => {
        if (!this.#awake) this.#host.notifyIoThread();
      },
      onStep: () => this.#host.step(),
      onSettled: (invocation) => this.#onSettled(invocation),
    });
  }

  /** Records are there. Harmless when it is awake already. */
  wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#turn();
  }

  // The turn

  readonly #turn = (): void => {
    this.#pace.startTurn();
    this.#host.step();
    this.#inbound.refresh();
    this.#work();
  };

  /** Takes records until there is none, the turn is over, or a hook wants its microtasks run. hot */
  readonly #work = (): void => {
    const inbound = this.#inbound;
    do {
      while (this.#ready.length > 0 || inbound.next()) {
        if (this.#runNext()) {
          // An async hook that never really waits has finished before the next record begins: all microtasks
          // run first, and only then this tick.
          queueMicrotask(this.#afterMicrotasks);
          return;
        }
        if (!this.#goOn()) return;
      }
      inbound.release();
      this.#host.notifyIoThread();
    } while (this.#mayWait() && this.#host.waitForRecords());
    if (this.#isTurnOver || inbound.refresh() || !this.#host.park()) setImmediate(this.#turn);
    else this.#awake = false;
  };

  /** True when the thread may wait for the next records right here: nothing else of it can be waiting for long. */
  #mayWait(): boolean {
    this.#isTurnOver = false;
    if (this.#results.hasRunning) return false;
    this.#isTurnOver = !this.#pace.mayWait;
    return !this.#isTurnOver;
  }

  readonly #afterMicrotasks = (): void => nextTick(this.#resume);

  readonly #resume = (): void => {
    if (this.#messageInRing?.isInRing) this.#messageInRing.keep();
    this.#messageInRing = undefined;
    if (this.#goOn()) this.#work();
  };

  /** Lets replies leave, and the thread breathe. False when the rest is for the next turn. hot */
  #goOn(): boolean {
    if (this.#pace.next()) return true;
    this.#inbound.release();
    this.#host.notifyIoThread();
    if (this.#pace.isTurnOver) setImmediate(this.#turn);
    return !this.#pace.isTurnOver;
  }

  /** Runs what waited for its connection, or else takes the next record. True when a hook returned a promise. hot */
  #runNext(): boolean {
    if (this.#ready.length > 0) return this.#runDeferred();
    if (!this.#inbound.take()) return this.#onFenced();
    if (this.#timings !== undefined) this.#timings.onTaken(this.#inbound.position);
    return this.#handleRecord();
  }

  // Records

  /** Handles the record at hand. True when a hook returned a promise. hot */
  #handleRecord(): boolean {
    const { slot, generation } = this.#inbound;
    switch (this.#inbound.kind) {
      case Inbound.Message: {
        const context = this.#context(slot, generation);
        const message = this.#message();
        if (context?.isBusy) {
          message.keep();
          return this.#deferRecord(context, message);
        }
        return context === undefined
          ? this.#results.finishRecord(slot, generation, message.byteLength)
          : this.#runMessage(context, message);
      }
      case Inbound.Open:
        return this.#runOpen(slot, generation);
      case Inbound.Close:
        return this.#onClose(slot, generation);
      case Inbound.Lost:
        return this.#onLost(slot, generation);
      case Inbound.Abort:
      case Inbound.Credit:
      case Inbound.Answer: {
        const { kind: note, position } = this.#inbound;
        return this.takeNote({ note, slot, generation, payload: this.#inbound.payloadAt(position) });
      }
      default:
        this.#results.stopDeadlines();
        this.#host.stopped();
        return false;
    }
  }

  /** Of its ring, or past it. True when whoever waited for it goes on before the next record. */
  takeNote({ note, slot, generation, payload }: Note): boolean {
    const context = this.#context(slot, generation);
    if (note === Inbound.Abort) context?.abort();
    if (note === Inbound.Credit) return context !== undefined && this.#results.grantCredit(context);
    if (note === Inbound.Answer) this.access.requests.onAnswer(asText(payload));
    return note === Inbound.Answer;
  }

  #context(slot: number, generation: number): ConnectionContext | undefined {
    const context = this.#contexts[slot];
    return context !== undefined && context.generation === generation ? context : undefined;
  }

  #message(): InboundMessage {
    const { flags, position, length } = this.#inbound;
    return new InboundMessage((flags & Flag.Binary) !== 0, position, length, this.#inbound);
  }

  #runOpen(slot: number, generation: number): boolean {
    const { request, state } = readOpen(this.#inbound);
    const index = handlerOf(request);
    const handler = this.#handlers[index]!;
    const context = new ConnectionContext(this, handler, slot, generation, request, this.#inbound.flags);
    context.timings = this.#timings?.hooks[index];
    this.#contexts[slot] = context;
    const hook = context.openingHook(state);
    const isRunning = hook !== undefined && this.#runHook(context, 'open', hook);
    if (hook === undefined) this.#results.finishRecord(slot, generation, 0);
    if (!isRunning) context.limit = this.#limit;
    return isRunning;
  }

  /** hot: no closure, no promise unless the handler makes one. */
  #runMessage(context: ConnectionContext, message: InboundMessage): boolean {
    const { handler } = context;
    if (context.refuses || handler.message === undefined) {
      return this.#results.finishRecord(context.slot, context.generation, message.byteLength);
    }
    // The one behind which the clock is read anyway stands for those since it was read last.
    const span = this.#watch.begin(context, 'message', this.#pace.weight, message);
    try {
      const result =
        span === undefined
          ? handler.message(context, message)
          : span.call(handler.message, handler, context, message);
      if (this.#results.concludeHook(context, result, message)) {
        if (message.isInRing) this.#messageInRing = message;
        return this.#watch.leave();
      }
    } catch (thrown) {
      this.#results.failHook(context, thrown, message);
    }
    this.#watch.end();
    message.leave(handler);
    return false;
  }

  #onClose(slot: number, generation: number): boolean {
    const context = this.#context(slot, generation);
    const { code, reason } = decodeClose(this.#inbound.payloadAt(this.#inbound.position));
    if (context === undefined) return this.#results.finishRecord(slot, generation, 0);
    context.abort();
    if (context.running === 0 && context.deferred.length === 0) return this.#runClose(context, code, reason);
    return this.#deferRecord(context, { code, reason });
  }

  #runClose(context: ConnectionContext, code: number, reason: string): boolean {
    const { handler } = context;
    const { close } = handler;
    this.#contexts[context.slot] = undefined;
    context.ended = true;
    if (close === undefined) return this.#results.finishRecord(context.slot, context.generation, 0);
    return this.#runHook(context, 'close', () => close.call(handler, context, code, reason));
  }

  #onLost(slot: number, generation: number): boolean {
    const context = this.#context(slot, generation);
    if (context === undefined) return this.#results.finishRecord(slot, generation, 0);
    const loss = JSON.parse(this.#inbound.textAt(this.#inbound.position)) as TopicLoss;
    return context.isBusy ? this.#deferRecord(context, loss) : this.#runLost(context, loss);
  }

  #runLost(context: ConnectionContext, loss: TopicLoss): boolean {
    const { handler, slot, generation } = context;
    const { topicLost } = handler;
    if (context.refuses || topicLost === undefined) return this.#results.finishRecord(slot, generation, 0);
    return this.#runHook(context, 'topicLost', () => topicLost.call(handler, context, loss));
  }

  /** Runs a hook that is not on the hot path. True when it returned a promise. */
  #runHook(context: ConnectionContext, name: HookName, hook: () => unknown): boolean {
    const span = this.#watch.begin(context, name, 1);
    try {
      const result = span === undefined ? hook() : span.call(hook, undefined);
      if (this.#results.concludeHook(context, result, undefined)) return this.#watch.leave();
    } catch (thrown) {
      this.#results.failHook(context, thrown, undefined);
    }
    this.#watch.end();
    return false;
  }

  // Waiting

  /** The connection's next record may run: in the turn, so that the promises that settle now are all through first. */
  #onSettled({ context, message }: Invocation): void {
    message?.leave(context.handler);
    context.limit = this.#limit;
    if (this.#hasStopped) {
      this.#host.notifyIoThread();
      if (!this.#results.hasRunning) this.#onQuiet?.();
    } else if (context.deferred.length > 0) {
      this.#ready.push(context);
      this.#wakeItself();
    } else if (!this.#awake) {
      this.#host.notifyIoThread();
    }
  }

  /** Sets a record aside. The I/O thread keeps it: until it begins, a crash does not cost its connection. */
  #deferRecord(context: ConnectionContext, record: Deferred): false {
    context.deferred.push(record);
    this.#writeNote(Reply.Defer, context);
    return false;
  }

  #writeNote(kind: number, { slot, generation }: ConnectionContext): void {
    this.#replies.write(kind, slot, generation, this.#inbound.position, 0);
    this.#replies.commit();
  }

  #wakeItself(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#host.stir();
    this.#pace.startTurn();
    nextTick(this.#resume);
  }

  /** Runs one record that waited for its connection. True when its hook returned a promise. */
  #runDeferred(): boolean {
    const context = this.#ready.shift()!;
    if (!context.mayBegin) return false;
    const next = context.deferred.shift()!;
    this.#writeNote(Reply.Begin, context);
    // After it: whoever gives the worker up sees that the record has begun, or it does not begin.
    if (this.#inbound.isFenced && !this.#inbound.isHandingOver) throw givenUp();
    this.#host.step();
    const isRunning =
      next instanceof InboundMessage
        ? this.#runMessage(context, next)
        : 'topic' in next
          ? this.#runLost(context, next)
          : this.#runClose(context, next.code, next.reason);
    if (context.mayBegin) this.#ready.push(context);
    return isRunning;
  }

  #onFenced(): false {
    if (!this.#inbound.isHandingOver) throw givenUp();
    this.#beginNothing();
    return false;
  }

  #beginNothing(): void {
    this.#hasStopped = true;
    this.#ready.clear();
    this.#inbound.stop();
    this.#inbound.refresh();
  }

  /** Resolves once everything that has begun has finished; at the end of the time it has. */
  async finishAll(timeoutMs: number): Promise<void> {
    this.#beginNothing();
    const timer = setTimeout(() => this.#results.expireAll(timeoutMs), timeoutMs);
    const quiet = new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
    if (this.#results.hasRunning) await quiet;
    clearTimeout(timer);
  }

  get contexts(): ConnectionContext[] {
    return this.#contexts.filter((context) => context !== undefined);
  }

  // Replies

  /** For `connection.send`, at any time. */
  send(context: ConnectionContext, data: Data): SendResult {
    return this.#results.send(context, data);
  }

  /** For what a connection asks for beside messages, at any time. */
  post({ slot, generation }: ConnectionContext, kind: number, payload: Uint8Array): void {
    this.#post(slot, generation, kind, payload);
  }

  #post(slot: number, generation: number, kind: number, payload: Uint8Array): void {
    this.#replies.writeBytes(kind, slot, generation, payload, 0);
    this.#replies.commit();
    if (!this.#awake) this.#host.notifyIoThread();
  }

  /** Something of the handler failed that belongs to no connection. */
  report(thrown: unknown): void {
    // Generations begin with 1.
    this.#results.writeFailure(0, 0, thrown, 0, 0);
    this.#host.notifyIoThread();
  }
}
