/**
 * What a hook returned, or its promise came to: sends it, waits for it, or says that it failed, and finishes its
 * record. Where replies of a connection's messages have to wait for each other, they wait here.
 */
import { isBadMessage, toFailureRecord } from '../api/bad-message.js';
import { HubError, isAbortError } from '../api/errors.js';
import type { Data, SendResult } from '../api/handler.js';
import { Deadlines } from '../util/deadlines.js';
import { isThenable } from '../util/thenable.js';
import * as Flag from '../wire/flag.js';
import type { ReplyWriter } from '../wire/replies.js';
import * as Reply from '../wire/reply-kind.js';
import type { RuntimeSettings } from '../wire/worker-task.js';
import { Publishing } from './access/hub-access.js';
import type { ConnectionContext } from './context.js';
import { bytesOf, Invocation } from './invocation.js';
import type { InboundMessage } from './message.js';
import { ReorderBuffer, type ReorderBufferHost } from './reorder-buffer.js';
import { asData, badReply, iterate, iterateAsync, keep, type ReplyData, sizeOf } from './reply-value.js';
import { SendCredit, Sent } from './send-credit.js';
import { type Pending, pump, pumpNow, type StreamHost } from './stream.js';
import type { HookWatch } from './watch/hook-watch.js';
import { writeData } from './write-data.js';

export interface HookResultsHost {
  /** Replies are written. */
  onReply(): void;
  /** The handler's code has come back, or is called anew. */
  onStep(): void;
  /** A hook that was waited for has finished. */
  onSettled(invocation: Invocation): void;
}

export class HookResults implements ReorderBufferHost<Invocation>, StreamHost {
  readonly #replies: ReplyWriter;
  readonly #settings: RuntimeSettings;
  readonly #host: HookResultsHost;
  readonly #isOrdered: boolean;
  readonly #deadlines: Deadlines<Invocation>;
  readonly #watch: HookWatch;
  /** Hooks that are waited for, of all connections. */
  #running = 0;

  constructor(replies: ReplyWriter, settings: RuntimeSettings, watch: HookWatch, host: HookResultsHost) {
    this.#watch = watch;
    this.#replies = replies;
    this.#settings = settings;
    this.#host = host;
    this.#isOrdered = settings.ordering === 'concurrent';
    this.#deadlines = new Deadlines(settings.handlerTimeoutMs, (invocation) => this.#onLate(invocation));
  }

  /** True while some hook is waited for. */
  get hasRunning(): boolean {
    return this.#running > 0;
  }

  /** No hook is late any more. */
  stopDeadlines(): void {
    this.#deadlines.takeAll();
  }

  /** Whatever is waited for is late, also what waits for its peer. */
  expireAll(timeoutMs: number): void {
    for (const invocation of this.#deadlines.takeAll()) this.#expire(invocation, timeoutMs);
  }

  /** Finishes a record that no hook is run for, or that has nothing (more) to send. hot */
  finishRecord(slot: number, generation: number, doneBytes: number): false {
    this.#replies.write(Reply.Finish | Flag.Done, slot, generation, 0, doneBytes);
    this.#replies.commit();
    return false;
  }

  /**
   * Concludes what a hook returned. True when it has to be waited for. hot
   *
   * @param invocation the record's, once it has been waited for
   */
  concludeHook(
    context: ConnectionContext,
    result: unknown,
    message: InboundMessage | undefined,
    invocation?: Invocation,
  ): boolean {
    if (isThenable(result)) {
      if (!(result instanceof Sent)) {
        const promise = result instanceof Publishing ? result.then(() => undefined) : result;
        return this.#awaitHook(invocation ?? this.#beginInvocation(context, message), promise);
      }
      // `send` was the last thing that the hook did: what it says is for the hook, not for the peer.
      if (result.status !== 'queued') return this.#finishHook(context, undefined, message, invocation);
      return this.#awaitHook(
        invocation ?? this.#beginInvocation(context, message),
        result.then(() => undefined),
      );
    }
    // Begun before it is waited for: when it cannot be begun, the hook has failed.
    const items = iterateAsync(result);
    if (items !== undefined) {
      const own = invocation ?? this.#beginInvocation(context, message);
      return this.#awaitHook(own, pump(this, own, own.measure?.bind(items) ?? items));
    }
    return this.#finishHook(context, result, message, invocation);
  }

  /** A hook threw or rejected. */
  failHook(
    context: ConnectionContext,
    thrown: unknown,
    message: InboundMessage | undefined,
    invocation?: Invocation,
  ): false {
    // It stopped because its connection is gone, as it was told to.
    if (context.gone && isAbortError(thrown)) {
      this.#finishHook(context, undefined, message, invocation);
      return false;
    }
    (invocation === undefined ? this.#watch : invocation).measure?.fail(thrown);
    const isClosing = this.#isClosing(thrown);
    if (this.#isBehind(context, invocation)) {
      // Told in its place, but nothing new begins behind it.
      if (isClosing) context.refuses = true;
      this.#placeInvocation(context, message, invocation).failure = { thrown };
      return false;
    }
    if (isClosing) context.end();
    this.writeFailure(context.slot, context.generation, thrown, Flag.Done, bytesOf(message));
    return false;
  }

  #isClosing(thrown: unknown): boolean {
    return this.#settings.onHandlerError === 'close' || isBadMessage(thrown);
  }

  /** @param done `Flag.Done` when it finishes a record, else 0 */
  writeFailure(slot: number, generation: number, thrown: unknown, done: number, doneBytes: number): void {
    const record = JSON.stringify(toFailureRecord(thrown));
    this.#replies.writeText(Reply.Failure | done, slot, generation, record, doneBytes);
    this.#replies.commit();
  }

  /** For `connection.send`, at any time. */
  send(context: ConnectionContext, data: Data): SendResult {
    return this.#sendData(context, check(data)).result;
  }

  /** The I/O thread says that there is credit. True when somebody waited for it. */
  grantCredit(context: ConnectionContext): boolean {
    const { credit } = context;
    const wasAwaited = credit?.isAwaited === true;
    if (credit?.grant()) this.#askForCredit(context);
    this.#replies.commit();
    return wasAwaited;
  }

  // For streams

  maySendItem({ context, held, heldBytes }: Invocation): boolean {
    if (held === undefined) return !context.credit?.isFull;
    const { bytes, messages } = this.#settings.sendWindow;
    return heldBytes < bytes && held.length < messages;
  }

  async awaitCredit(invocation: Invocation): Promise<void> {
    const { context } = invocation;
    if (invocation.held === undefined) {
      await context.credit?.wait();
      return;
    }
    await new Promise<void>((resolve) => {
      invocation.onTurn = resolve;
      context.watch(resolve);
    });
    context.unwatch(invocation.onTurn!);
    invocation.onTurn = undefined;
  }

  renewDeadline(invocation: Invocation): void {
    this.#host.onStep();
    if (invocation.isOver) return;
    invocation.since = performance.now();
    this.#deadlines.add(invocation);
  }

  sendItem(invocation: Invocation, item: unknown): void {
    if (invocation.held === undefined) this.#sendItemNow(invocation.context, item);
    else if (item !== undefined) invocation.holdReply(keep(check(item)));
  }

  // For a reorder buffer

  deliverReplies(invocation: Invocation): void {
    const { context, doneBytes, held, failure } = invocation;
    const { slot, generation } = context;
    const last = failure === undefined ? held?.pop() : undefined;
    this.releaseReplies(invocation);
    if (failure !== undefined) {
      if (this.#isClosing(failure.thrown)) context.end();
      this.writeFailure(slot, generation, failure.thrown, Flag.Done, doneBytes);
    } else if (last === undefined || context.ended) this.finishRecord(slot, generation, doneBytes);
    else {
      writeData(this.#replies, context, last, Flag.Done, doneBytes);
      this.#replies.commit();
    }
  }

  releaseReplies(invocation: Invocation): void {
    const { context, held } = invocation;
    invocation.held = undefined;
    for (const data of held ?? []) if (!context.ended) this.#sendData(context, data);
    invocation.onTurn?.();
  }

  // Waiting

  /** A hook is going to be waited for. */
  #beginInvocation(context: ConnectionContext, message: InboundMessage | undefined): Invocation {
    const invocation = new Invocation(context, message);
    invocation.measure = this.#watch.measure;
    context.running++;
    this.#running++;
    // One that is opening has no messages yet: it needs no buffer.
    if (this.#isOrdered && context.limit > 1) {
      context.reorderBuffer ??= new ReorderBuffer<Invocation>(this);
      context.reorderBuffer.add(invocation);
    }
    return invocation;
  }

  #awaitHook(invocation: Invocation, promise: PromiseLike<unknown>): true {
    this.renewDeadline(invocation);
    void this.#settleHook(invocation, promise);
    return true;
  }

  /** What a thenable, or a promise with a `then` of its own, throws is a rejection to `await`. */
  async #settleHook(invocation: Invocation, promise: PromiseLike<unknown>): Promise<void> {
    let value: unknown;
    try {
      value = await promise;
    } catch (thrown) {
      this.#onRejected(invocation, thrown);
      return;
    }
    this.#onFulfilled(invocation, value);
  }

  #onFulfilled(invocation: Invocation, value: unknown): void {
    // Its time was up before: the record has been finished, and nobody waits for this any more.
    if (invocation.isOver) return;
    try {
      if (this.concludeHook(invocation.context, value, invocation.message, invocation)) return;
    } catch (thrown) {
      this.failHook(invocation.context, thrown, invocation.message, invocation);
    }
    this.#endInvocation(invocation);
  }

  #onRejected(invocation: Invocation, thrown: unknown): void {
    if (invocation.isOver) return;
    this.failHook(invocation.context, thrown, invocation.message, invocation);
    this.#endInvocation(invocation);
  }

  /** A hook's promise has been pending for too long: it costs its connection, not its thread. */
  #onLate(invocation: Invocation): void {
    const { context } = invocation;
    // What waits for its peer, or for its turn, is not late.
    if (invocation.onTurn !== undefined || context.credit?.wasAwaited(invocation.since)) {
      this.renewDeadline(invocation);
      return;
    }
    this.#expire(invocation, this.#settings.handlerTimeoutMs);
  }

  #expire(invocation: Invocation, timeoutMs: number): void {
    const { context, doneBytes } = invocation;
    const error = new HubError('ERR_HANDLER_TIMEOUT', `a hook did not finish within ${timeoutMs} ms`);
    invocation.measure?.fail(error);
    this.writeFailure(context.slot, context.generation, error, Flag.Done, doneBytes);
    invocation.isAnswered = true;
    invocation.isOver = true;
    context.end();
    context.abort();
    this.#endInvocation(invocation);
  }

  #endInvocation(invocation: Invocation): void {
    this.#host.onStep();
    invocation.measure?.end();
    this.#deadlines.remove(invocation);
    invocation.isOver = true;
    if (invocation.held === undefined) invocation.isAnswered = true;
    invocation.context.running--;
    this.#running--;
    invocation.context.reorderBuffer?.advance();
    this.#host.onSettled(invocation);
  }

  // Finishing

  /** Writes the last replies of a record and commits that it is finished. True when they have to be waited for. hot */
  #finishHook(
    context: ConnectionContext,
    value: unknown,
    message: InboundMessage | undefined,
    invocation: Invocation | undefined,
  ): boolean {
    const { slot, generation } = context;
    const doneBytes = bytesOf(message);
    const isBehind = this.#isBehind(context, invocation);
    if (value === undefined || value === null || context.ended) {
      if (isBehind) this.#placeInvocation(context, message, invocation);
      else this.finishRecord(slot, generation, doneBytes);
      return false;
    }
    const data = asData(value);
    if (data !== undefined) {
      if (isBehind) {
        const kept = keep(data);
        this.#placeInvocation(context, message, invocation).holdReply(kept);
      } else {
        writeData(this.#replies, context, data, Flag.Done, doneBytes);
        this.#replies.commit();
      }
      return false;
    }
    const begun = iterate(value);
    if (begun === undefined) throw badReply(value);
    const items = (invocation === undefined ? this.#watch : invocation).measure?.bind(begun) ?? begun;
    // What is short needs nobody to wait.
    let rest: Pending | undefined;
    if (!isBehind) {
      const maySend = () => !context.isOver && !context.credit?.isFull;
      rest = pumpNow(items, maySend, (item) => this.#sendItemNow(context, item));
      if (rest === undefined) return this.finishRecord(slot, generation, doneBytes);
    }
    const own = invocation ?? this.#beginInvocation(context, message);
    return this.#awaitHook(own, pump(this, own, items, rest));
  }

  /** True when replies have to wait for those of earlier messages. hot */
  #isBehind({ reorderBuffer }: ConnectionContext, invocation: Invocation | undefined): boolean {
    return (
      reorderBuffer !== undefined &&
      (invocation === undefined ? !reorderBuffer.isEmpty : invocation.held !== undefined)
    );
  }

  /** The invocation of a record that has finished behind others. */
  #placeInvocation(
    context: ConnectionContext,
    message: InboundMessage | undefined,
    invocation: Invocation | undefined,
  ): Invocation {
    if (invocation !== undefined) return invocation;
    const own = new Invocation(context, message);
    own.isOver = true;
    context.reorderBuffer!.add(own);
    return own;
  }

  #sendItemNow(context: ConnectionContext, item: unknown): void {
    this.#host.onStep();
    if (item !== undefined && !context.ended) this.#sendData(context, check(item));
  }

  /** Sends something that is not the last reply of a record. */
  #sendData(context: ConnectionContext, data: ReplyData): SendCredit {
    writeData(this.#replies, context, data, 0, 0);
    context.credit ??= new SendCredit(this.#settings.sendWindow);
    if (context.credit.spend(sizeOf(data))) this.#askForCredit(context);
    this.#replies.commit();
    this.#host.onReply();
    return context.credit;
  }

  #askForCredit({ slot, generation }: ConnectionContext): void {
    this.#replies.write(Reply.Credit, slot, generation, 0, 0);
  }
}

/** @throws HubError `ERR_DATA_TYPE` */
function check(value: unknown): ReplyData {
  const data = asData(value);
  if (data === undefined) throw badReply(value);
  return data;
}
