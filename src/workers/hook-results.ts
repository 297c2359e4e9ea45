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
import type { ConnectionContext } from './context.js';
import { Job } from './invocation.js';
import type { InboundMessage } from './message.js';
import { Line, type LineHost } from './reorder-buffer.js';
import { asData, badReply, iterate, iterateAsync, keep, type ReplyData, sizeOf } from './reply-value.js';
import { Room, Sent } from './send-credit.js';
import { type Pending, pump, pumpNow, type StreamHost } from './stream.js';
import { writeData } from './write-data.js';

export interface OutcomesHost {
  /** Replies are written. */
  onReply(): void;
  /** The handler's code has come back, or is called anew. */
  onStep(): void;
  /** A hook that was waited for has finished. */
  onFree(job: Job): void;
}

export class Outcomes implements LineHost<Job>, StreamHost {
  readonly #replies: ReplyWriter;
  readonly #settings: RuntimeSettings;
  readonly #host: OutcomesHost;
  readonly #isOrdered: boolean;
  readonly #deadlines: Deadlines<Job>;
  /** Hooks that are waited for. */
  #waiting = 0;

  constructor(replies: ReplyWriter, settings: RuntimeSettings, host: OutcomesHost) {
    this.#replies = replies;
    this.#settings = settings;
    this.#host = host;
    this.#isOrdered = settings.ordering === 'concurrent';
    this.#deadlines = new Deadlines(settings.handlerTimeoutMs, (job) => this.#onLate(job));
  }

  /** True while some hook is waited for. */
  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** No hook is late any more. */
  stop(): void {
    this.#deadlines.takeAll();
  }

  /** Finishes a record that no hook is run for, or that has nothing (more) to send. hot */
  done(slot: number, generation: number, doneBytes: number): false {
    this.#replies.write(Reply.Finish | Flag.Done, slot, generation, 0, doneBytes);
    this.#replies.commit();
    return false;
  }

  /**
   * Concludes what a hook returned. True when it has to be waited for. hot
   *
   * @param job the record's, once it has been waited for
   */
  conclude(
    context: ConnectionContext,
    result: unknown,
    message: InboundMessage | undefined,
    doneBytes: number,
    job?: Job,
  ): boolean {
    if (isThenable(result)) {
      if (!(result instanceof Sent))
        return this.#wait(job ?? this.#begin(context, message, doneBytes), result);
      // `send` was the last thing that the hook did: what it says is for the hook, not for the peer.
      if (result.status !== 'queued') return this.#finish(context, undefined, message, doneBytes, job);
      return this.#wait(
        job ?? this.#begin(context, message, doneBytes),
        result.then(() => undefined),
      );
    }
    // Begun before it is waited for: when it cannot be begun, the hook has failed.
    const items = iterateAsync(result);
    if (items !== undefined) {
      const own = job ?? this.#begin(context, message, doneBytes);
      return this.#wait(own, pump(this, own, items));
    }
    return this.#finish(context, result, message, doneBytes, job);
  }

  /** A hook threw or rejected. */
  fail(
    context: ConnectionContext,
    thrown: unknown,
    message: InboundMessage | undefined,
    doneBytes: number,
    job?: Job,
  ): false {
    // It stopped because its connection is gone, as it was told to.
    if (context.gone && isAbortError(thrown)) {
      this.#finish(context, undefined, message, doneBytes, job);
      return false;
    }
    const isClosing = this.#isClosing(thrown);
    if (this.#isBehind(context, job)) {
      // Told in its place, but nothing new begins behind it.
      if (isClosing) context.refuses = true;
      this.#place(context, message, doneBytes, job).failure = { thrown };
      return false;
    }
    if (isClosing) context.end();
    this.writeFailure(context.slot, context.generation, thrown, Flag.Done, doneBytes);
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
    return this.#put(context, check(data)).result;
  }

  /** The front end says that there is room. True when somebody waited for it. */
  grant(context: ConnectionContext): boolean {
    const { room } = context;
    const wasAwaited = room?.isAwaited === true;
    if (room?.grant()) this.#ask(context);
    this.#replies.commit();
    return wasAwaited;
  }

  // For streams

  /** True when there is room for an item. */
  mayPut({ context, held, heldBytes }: Job): boolean {
    if (held === undefined) return !context.room?.isFull;
    const { bytes, messages } = this.#settings.sendWindow;
    return heldBytes < bytes && held.length < messages;
  }

  /** Resolves when `mayPut` is to be asked again. */
  async awaitRoom(job: Job): Promise<void> {
    const { context } = job;
    if (job.held === undefined) {
      await context.room?.wait();
      return;
    }
    await new Promise<void>((resolve) => {
      job.onTurn = resolve;
      context.watch(resolve);
    });
    context.unwatch(job.onTurn!);
    job.onTurn = undefined;
  }

  renew(job: Job): void {
    this.#host.onStep();
    if (job.isOver) return;
    job.since = performance.now();
    this.#deadlines.add(job);
  }

  sendItem(job: Job, item: unknown): void {
    if (job.held === undefined) this.#putItem(job.context, item);
    else if (item !== undefined) job.hold(keep(check(item)));
  }

  // For a line

  deliver(job: Job): void {
    const { context, doneBytes, held, failure } = job;
    const { slot, generation } = context;
    const last = failure === undefined ? held?.pop() : undefined;
    this.release(job);
    if (failure !== undefined) {
      if (this.#isClosing(failure.thrown)) context.end();
      this.writeFailure(slot, generation, failure.thrown, Flag.Done, doneBytes);
    } else if (last === undefined || context.ended) this.done(slot, generation, doneBytes);
    else {
      writeData(this.#replies, context, last, Flag.Done, doneBytes);
      this.#replies.commit();
    }
  }

  release(job: Job): void {
    const { context, held } = job;
    job.held = undefined;
    for (const data of held ?? []) if (!context.ended) this.#put(context, data);
    job.onTurn?.();
  }

  // Waiting

  /** A hook is going to be waited for. */
  #begin(context: ConnectionContext, message: InboundMessage | undefined, doneBytes: number): Job {
    const job = new Job(context, message, doneBytes);
    context.running++;
    this.#waiting++;
    if (this.#isOrdered && message !== undefined) {
      context.line ??= new Line<Job>(this);
      context.line.enter(job);
    }
    return job;
  }

  #wait(job: Job, promise: PromiseLike<unknown>): true {
    this.renew(job);
    void this.#settle(job, promise);
    return true;
  }

  /** What a thenable, or a promise with a `then` of its own, throws is a rejection to `await`. */
  async #settle(job: Job, promise: PromiseLike<unknown>): Promise<void> {
    let value: unknown;
    try {
      value = await promise;
    } catch (thrown) {
      this.#onRejected(job, thrown);
      return;
    }
    this.#onFulfilled(job, value);
  }

  #onFulfilled(job: Job, value: unknown): void {
    // Its time was up before: the record has been finished, and nobody waits for this any more.
    if (job.isOver) return;
    try {
      if (this.conclude(job.context, value, job.message, job.doneBytes, job)) return;
    } catch (thrown) {
      this.fail(job.context, thrown, job.message, job.doneBytes, job);
    }
    this.#end(job);
  }

  #onRejected(job: Job, thrown: unknown): void {
    if (job.isOver) return;
    this.fail(job.context, thrown, job.message, job.doneBytes, job);
    this.#end(job);
  }

  /** A hook's promise has been pending for too long: it costs its connection, not its thread. */
  #onLate(job: Job): void {
    const { context, doneBytes } = job;
    const { handlerTimeoutMs } = this.#settings;
    // What waits for its peer, or for its turn, is not late.
    if (job.onTurn !== undefined || context.room?.wasAwaited(job.since)) {
      this.renew(job);
      return;
    }
    const error = new HubError('ERR_HANDLER_TIMEOUT', `a hook did not finish within ${handlerTimeoutMs} ms`);
    this.writeFailure(context.slot, context.generation, error, Flag.Done, doneBytes);
    job.isAnswered = true;
    job.isOver = true;
    context.end();
    context.abort();
    this.#end(job);
  }

  #end(job: Job): void {
    this.#host.onStep();
    this.#deadlines.remove(job);
    job.isOver = true;
    if (job.held === undefined) job.isAnswered = true;
    job.context.running--;
    this.#waiting--;
    job.context.line?.advance();
    this.#host.onFree(job);
  }

  // Finishing

  /** Writes the last replies of a record and commits that it is finished. True when they have to be waited for. hot */
  #finish(
    context: ConnectionContext,
    value: unknown,
    message: InboundMessage | undefined,
    doneBytes: number,
    job: Job | undefined,
  ): boolean {
    const { slot, generation } = context;
    const isBehind = this.#isBehind(context, job);
    if (value === undefined || value === null || context.ended) {
      if (isBehind) this.#place(context, message, doneBytes, job);
      else this.done(slot, generation, doneBytes);
      return false;
    }
    const data = asData(value);
    if (data !== undefined) {
      if (isBehind) {
        const kept = keep(data);
        this.#place(context, message, doneBytes, job).hold(kept);
      } else {
        writeData(this.#replies, context, data, Flag.Done, doneBytes);
        this.#replies.commit();
      }
      return false;
    }
    const items = iterate(value);
    if (items === undefined) throw badReply(value);
    // What is short needs nobody to wait.
    let rest: Pending | undefined;
    if (!isBehind) {
      const mayPut = () => !context.isOver && !context.room?.isFull;
      rest = pumpNow(items, mayPut, (item) => this.#putItem(context, item));
      if (rest === undefined) return this.done(slot, generation, doneBytes);
    }
    const own = job ?? this.#begin(context, message, doneBytes);
    return this.#wait(own, pump(this, own, items, rest));
  }

  /** True when replies have to wait for those of earlier messages. hot */
  #isBehind({ line }: ConnectionContext, job: Job | undefined): boolean {
    return line !== undefined && (job === undefined ? !line.isEmpty : job.held !== undefined);
  }

  /** The job of a record that has finished behind others. */
  #place(
    context: ConnectionContext,
    message: InboundMessage | undefined,
    doneBytes: number,
    job: Job | undefined,
  ): Job {
    if (job !== undefined) return job;
    const own = new Job(context, message, doneBytes);
    own.isOver = true;
    context.line!.enter(own);
    return own;
  }

  #putItem(context: ConnectionContext, item: unknown): void {
    this.#host.onStep();
    if (item !== undefined && !context.ended) this.#put(context, check(item));
  }

  /** Sends something that is not the last reply of a record. */
  #put(context: ConnectionContext, data: ReplyData): Room {
    writeData(this.#replies, context, data, 0, 0);
    context.room ??= new Room(this.#settings.sendWindow);
    if (context.room.spend(sizeOf(data))) this.#ask(context);
    this.#replies.commit();
    this.#host.onReply();
    return context.room;
  }

  #ask({ slot, generation }: ConnectionContext): void {
    this.#replies.write(Reply.Room, slot, generation, 0, 0);
  }
}

/** @throws HubError `ERR_DATA_TYPE` */
function check(value: unknown): ReplyData {
  const data = asData(value);
  if (data === undefined) throw badReply(value);
  return data;
}
