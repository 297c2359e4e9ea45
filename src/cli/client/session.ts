/** A conversation with a server: what is sent, which replies are due, when it is over, and whether it went well. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backoff, CAP_MS } from './backoff.js';
import { Connection, type End, isClean, type Target } from './connection.js';
import { describeTimeout } from './failure.js';
import type { Problem, Received, Report } from './report.js';

export interface Plan {
  /** Messages after which it is over. */
  readonly count: number | undefined;
  /** Milliseconds to wait for messages at the end of the input; `undefined` waits for one reply per message. */
  readonly waitMs: number | undefined;
  /** Milliseconds that the next reply that is due may take. */
  readonly timeoutMs: number;
  /** How to connect again; `undefined` is never. */
  readonly backoff: Backoff | undefined;
}

export interface Input {
  readonly messages: AsyncIterable<string | Uint8Array>;
  /** It has no end, or a person ends it: then no replies are waited for. */
  readonly isEndless: boolean;
}

/**
 * Messages without a reply, where each is to have one: more wait, as a server may bound what it takes on at
 * once (a hub's `maxInFlight`).
 */
const MAX_UNANSWERED = 100;
const NORMAL_CODES = [1000, 1005];

export class Session {
  readonly #target: Target;
  readonly #plan: Plan;
  readonly #report: Report;
  readonly #over = new AbortController();
  /** Being opened, or open. */
  #attempt: Connection | undefined;
  #isOpen = false;
  #openedAt: number | undefined;
  #wakeFeeder: (() => void) | undefined;
  /** When each message was sent that has no reply yet. */
  #sentAt: number[] = [];
  /** Messages whose connection ended before their replies came. */
  #lost = 0;
  #received = 0;
  #isEndless = false;
  #isInputOver = false;
  #timer: NodeJS.Timeout | undefined;
  /** Set when this side ended it: whether all that was asked for is done. */
  #verdict: boolean | undefined;

  constructor(target: Target, plan: Plan, report: Report) {
    this.#target = target;
    this.#plan = plan;
    this.#report = report;
  }

  /** Aborted when it is over, so that its input can end as well. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Resolves when it is over, with whether it went well. */
  async run(input: Input): Promise<boolean> {
    this.#isEndless = input.isEndless;
    this.#feed(input.messages).catch((error: Error) => this.#onInputError(error));
    const isFine = await this.#stayConnected();
    this.#end(isFine);
    return isFine;
  }

  /** Closes the connection with 1000, or gives up connecting. */
  stop(): void {
    this.#end(true);
  }

  #end(isFine: boolean): void {
    this.#verdict ??= isFine;
    this.#disarm();
    if (this.#isOpen) this.#attempt?.close();
    else this.#attempt?.abort();
    this.#over.abort();
    this.#wakeFeeder?.();
  }

  async #stayConnected(): Promise<boolean> {
    for (;;) {
      const end = await this.#connectOnce();
      this.#tell(end);
      if (this.#verdict !== undefined) return this.#verdict && isClean(end);
      const isFinal = end.kind === 'failed' && end.failure.isFinal;
      if (this.#plan.backoff === undefined || isFinal) return this.#isGoodEnd(end);
      const openMs = this.#openedAt === undefined ? 0 : performance.now() - this.#openedAt;
      const waitMs = hintOf(end) ?? this.#plan.backoff.next(openMs);
      this.#report.note(`connecting again in ${waitMs} ms`);
      await sleep(waitMs, undefined, { signal: this.signal }).catch(() => {});
      if (this.#verdict !== undefined) {
        this.#tell({ kind: 'aborted' });
        return false;
      }
    }
  }

  /** Whether a connection that the server ended has done what it was opened for. */
  #isGoodEnd(end: End): boolean {
    if (end.kind !== 'closed' || !NORMAL_CODES.includes(end.code)) return false;
    if (this.#isEndless && this.#plan.count === undefined) return true;
    const due = this.#due();
    const problem =
      due > 0 ? `${plural(due, 'reply', 'replies')} did not come` : 'not all of the input was sent';
    const isDone = this.#isInputOver && due === 0;
    if (!isDone)
      this.#report.error({ message: `the server closed before all was done: ${problem}`, code: 'CLOSED' });
    return isDone;
  }

  #connectOnce(): Promise<End> {
    this.#openedAt = undefined;
    return new Promise((resolve) => {
      this.#attempt = new Connection(this.#target, {
        onOpen: (connection) => this.#onOpen(connection),
        onMessage: (data, isBinary) => this.#onMessage(data, isBinary),
        onPong: () => {},
        onEnd: (end) => {
          this.#onEnd();
          resolve(end);
        },
      });
    });
  }

  #onOpen(connection: Connection): void {
    this.#isOpen = true;
    this.#openedAt = performance.now();
    this.#report.open(this.#target.url, connection.subprotocol);
    this.#wakeFeeder?.();
    this.#checkWhetherDone();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#received++;
    const sentAt = this.#sentAt.shift();
    const rttMs = sentAt === undefined ? undefined : performance.now() - sentAt;
    // What arrives after the last message that was asked for is nobody's concern.
    if (this.#plan.count === undefined || this.#received <= this.#plan.count)
      this.#show({ data, isBinary, rttMs });
    this.#checkWhetherDone();
    this.#wakeFeeder?.();
  }

  #show(received: Received): void {
    try {
      this.#report.message(received);
    } catch (error) {
      // There are no texts of over 512 MiB, and JSON takes up to six characters for a byte.
      const why = (error as Error).message;
      this.#fail({
        message: `a message of ${received.data.length} bytes cannot be shown: ${why}`,
        code: 'OUTPUT',
      });
    }
  }

  #onEnd(): void {
    this.#isOpen = false;
    this.#attempt = undefined;
    this.#disarm();
    this.#lost += this.#sentAt.length;
    this.#sentAt = [];
  }

  #tell(end: End): void {
    if (end.kind === 'failed') this.#report.error(end.failure);
    else if (end.kind === 'aborted') this.#report.note('stopped before there was a connection');
    else {
      const by = this.#verdict === undefined ? 'server' : 'client';
      this.#report.close({ code: end.code, reason: end.reason, isClean: isClean(end), by });
    }
  }

  async #feed(messages: Input['messages']): Promise<void> {
    await this.#ready();
    for await (const message of messages) {
      const connection = await this.#ready();
      if (connection === undefined) return;
      this.#sentAt.push(performance.now());
      await connection.send(message);
    }
    this.#isInputOver = true;
    if (this.#isEndless) this.stop();
    else this.#checkWhetherDone();
  }

  /** The open connection, as soon as it may be sent a message; `undefined` once it is over. */
  async #ready(): Promise<Connection | undefined> {
    while (this.#verdict === undefined && (!this.#isOpen || this.#isFull())) {
      this.#checkWhetherDone();
      await new Promise<void>((resolve) => {
        this.#wakeFeeder = resolve;
      });
    }
    return this.#verdict === undefined ? this.#attempt : undefined;
  }

  #onInputError(error: Error): void {
    if (this.#verdict !== undefined) return;
    this.#fail({ message: `the input cannot be sent: ${error.message}`, code: 'INPUT' });
  }

  /** Replies that have to come before it is over. */
  #due(): number {
    const { count, waitMs } = this.#plan;
    if (count !== undefined) return Math.max(0, count - this.#received);
    return waitMs === undefined ? this.#sentAt.length + this.#lost : 0;
  }

  #isFull(): boolean {
    const { count, waitMs } = this.#plan;
    const isAnswered = !this.#isEndless && count === undefined && waitMs === undefined;
    return isAnswered && this.#sentAt.length >= MAX_UNANSWERED;
  }

  /** Called whenever something changed that may end it. */
  #checkWhetherDone(): void {
    if (this.#verdict !== undefined) return;
    const { count, waitMs } = this.#plan;
    const isCountReached = count !== undefined && this.#due() === 0;
    if (isCountReached) this.#end(true);
    else if (!this.#isOpen || !(this.#isInputOver || this.#isFull())) this.#disarm();
    else if (waitMs !== undefined) this.#timer ??= setTimeout(() => this.#onWaited(waitMs), waitMs);
    else this.#awaitReplies();
  }

  #awaitReplies(): void {
    const { count, timeoutMs } = this.#plan;
    const due = this.#due();
    const areAllLost = count === undefined && this.#sentAt.length === 0;
    this.#disarm();
    if (due === 0) this.#end(true);
    else if (areAllLost)
      this.#fail({ message: `${plural(due, 'reply', 'replies')} lost with a connection`, code: 'LOST' });
    else {
      const onTimeout = () => this.#fail(describeTimeout(`no further reply (${due} due)`, timeoutMs));
      this.#timer = setTimeout(onTimeout, timeoutMs);
    }
  }

  #onWaited(waitMs: number): void {
    const due = this.#due();
    if (due === 0) this.#end(true);
    else
      this.#fail({
        message: `${plural(due, 'message', 'messages')} did not come within ${waitMs / 1000} s`,
        code: 'TIMEOUT',
      });
  }

  #fail(problem: Problem): void {
    this.#report.error(problem);
    this.#end(false);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** When a server that closes connections for a restart wants this one back, in ms, within what backoff would wait. */
function hintOf(end: End): number | undefined {
  const [, ms] = (end.kind === 'closed' && / retry in (\d+) ms$/.exec(end.reason)) || [];
  return ms === undefined ? undefined : Math.min(CAP_MS, Number(ms));
}
