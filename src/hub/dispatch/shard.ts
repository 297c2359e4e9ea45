/**
 * A shard: a fixed set of connections whose messages go to one worker, in order. I/O thread.
 *
 * What arrives is staged in the inbound ring and flushed to the worker at the end of the poll phase; what comes while
 * the worker is at work is simply there when it looks again, so batches grow with load and no timer is involved.
 */
import type { FailureRecord } from '../../api/bad-message.js';
import { CloseCode } from '../../api/close-codes.js';
import { HubError, type HubErrorCode } from '../../api/errors.js';
import type { ShardState, ShardStats } from '../../api/stats.js';
import type { LatencySampler } from '../../telemetry/latency.js';
import { within } from '../../util/within.js';
import { Arena } from '../../wire/arena.js';
import { encodeClose } from '../../wire/close.js';
import { parkIoThread, stayAwake, WorkerSleep, wakeWorker } from '../../wire/doorbell.js';
import * as Flag from '../../wire/flag.js';
import { InboundWriter } from '../../wire/inbound.js';
import * as Inbound from '../../wire/inbound-kind.js';
import { CONTROL_BYTES, RingMemory, type WorkerMemory } from '../../wire/layout.js';
import { ReplyReader } from '../../wire/replies.js';
import * as Word from '../../wire/word.js';
import type { HandlerHooks } from '../../wire/worker-task.js';
import type { Connection } from '../connection/connection.js';
import type { CreditEntry } from '../connection/connection-record.js';
import type { BatchMeter } from './batch-meter.js';
import { CostMeter } from './cost-meter.js';
import { InboundQueue } from './inbound-queue.js';
import { ReleasePoint } from './release-point.js';
import { ReplyApplier, type ReplySink } from './replies.js';
import type { ShardHost } from './shard-host.js';
import type { WorkerExit, WorkerLink } from './worker-link.js';

/** Bytes of each ring; memory that is not used is not resident. */
const INBOUND_BYTES = 16 * 1024 * 1024;
const REPLY_BYTES = 4 * 1024 * 1024;
/** Bytes of the arena for payloads that are not in the ring: one always has room. */
const ARENA_BYTES = 16 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

export class Shard implements ReplySink {
  readonly index: number;
  readonly #host: ShardHost<Shard>;
  readonly #makeLink: () => WorkerLink;
  readonly #inboundQueue: InboundQueue;
  #state: ShardState = 'down';
  #isResting = false;
  #link: WorkerLink | undefined;
  #control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  #inbound: InboundWriter | undefined;
  #replies: ReplyReader | undefined;
  #applier: ReplyApplier | undefined;
  readonly #releases = new ReleasePoint();
  #hooks: HandlerHooks = { open: true, close: true };
  /** While somebody looks at the statistics. */
  latency: LatencySampler | undefined = undefined;
  #connections = 0;
  #batches = 0;
  #messages = 0;
  #wakeups = 0;
  #starts = 0;
  readonly #cost = new CostMeter();
  /** With what its workers measure. */
  readonly meter: BatchMeter | undefined;
  /** Whose message came last. */
  #last: Connection | undefined;

  constructor(index: number, host: ShardHost<Shard>, makeLink: () => WorkerLink) {
    this.index = index;
    this.#host = host;
    this.#makeLink = makeLink;
    const { counters, connections, concurrency } = host;
    this.#inboundQueue = new InboundQueue(counters, connections, () => host.schedule(), concurrency);
    this.meter = host.makeMeter();
  }

  get connections(): number {
    return this.#connections;
  }

  /** True from too many crashes until a worker serves again. */
  get isResting(): boolean {
    return this.#isResting && this.#state !== 'up';
  }

  get state(): ShardState {
    return this.#state;
  }

  stats(): ShardStats {
    return {
      shard: this.index,
      state: this.#state,
      connections: this.#connections,
      batches: this.#batches,
      messages: this.#messages,
      wakeups: this.#wakeups,
      restarts: Math.max(0, this.#starts - 1),
      inFlight: this.#inboundQueue.inFlight,
    };
  }

  // The worker's life

  /**
   * Starts a worker. Resolves once its handler is loaded and the shard is up.
   *
   * @throws HubError `ERR_HANDLER_LOAD` or `ERR_WORKER`; the shard is down then
   */
  async start(): Promise<void> {
    if (this.#state !== 'down' && this.#state !== 'resting') {
      throw new HubError('ERR_HUB_STATE', `a shard that is ${this.#state} cannot start`);
    }
    // On one thread nothing is shared, and copies into private memory are cheaper.
    const Memory = this.#host.isLocal ? ArrayBuffer : SharedArrayBuffer;
    const memory: WorkerMemory = {
      control: new SharedArrayBuffer(CONTROL_BYTES),
      inbound: new Memory(INBOUND_BYTES),
      // Memory that is not used is not resident.
      arena: new Memory(Math.max(ARENA_BYTES, this.#host.maxPayload)),
      replies: new Memory(REPLY_BYTES),
      timings: this.meter?.memory,
    };
    const control = new Int32Array(memory.control);
    const link = this.#makeLink();
    this.#control = control;
    this.#state = 'starting';
    this.#link = link;
    try {
      this.#hooks = await link.start(memory, {
        // Never work here: a local runtime notifies from inside a handler, and a port delivers many notes in a row.
        onDoorbell: () => this.#host.schedule(),
        applyReplies: () => this.apply(Number.POSITIVE_INFINITY),
        onExit: (exit) => this.#onExit(exit),
      });
    } catch (error) {
      this.#fellDown();
      throw error;
    }
    if (this.state === 'stopped') throw new HubError('ERR_HUB_STATE', 'the hub stops');
    const staging = this.#host.isLocal ? undefined : new RingMemory(new ArrayBuffer(INBOUND_BYTES));
    const inbound = new InboundWriter(
      control,
      new RingMemory(memory.inbound),
      new Arena(memory.arena),
      staging,
    );
    this.#inbound = inbound;
    this.#replies = new ReplyReader(control, new RingMemory(memory.replies));
    this.#applier = new ReplyApplier(this.#replies, inbound, this.#host.connections, this, this.#host.fanOut);
    this.#inboundQueue.attach(inbound);
    this.#state = 'up';
    this.#isResting = false;
    this.#starts++;
    this.#inboundQueue.resume([...this.#own()], this.#hooks.open);
  }

  /** Tells the worker to finish, and waits until it has, at most so long. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#state !== 'up') return this.kill('the hub stops');
    this.#inboundQueue.enqueueStop();
    this.flush();
    this.#state = 'stopped';
    if (!(await within(this.#link!.finished(), timeoutMs))) {
      await this.#link!.kill('it did not stop in time');
      this.#host.onLateStop(this);
    }
    // The handler's `stop` may have failed.
    this.apply(Number.POSITIVE_INFINITY);
  }

  /** Ends the worker, for good. */
  async kill(reason: string): Promise<void> {
    this.#state = 'stopped';
    await this.#link?.kill(reason);
  }

  /** Closes every connection of a shard that is down, until it is started again. */
  rest(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'resting';
    this.#isResting = true;
    for (const connection of [...this.#own()]) {
      if (connection.isGone) this.#forget(connection);
      else connection.fail(CloseCode.TryAgainLater, 'the worker of this connection rests: try again later');
    }
  }

  /** The worker has ended without being asked to: what was finished is applied, what had begun costs its connections. */
  #onExit(exit: WorkerExit): void {
    if (this.#state !== 'up') return;
    // First of all: a thread that was left behind may come back, and must not begin what another one is going to get.
    const taken = this.#inbound!.fence();
    this.meter?.timings.forget();
    this.apply(Number.POSITIVE_INFINITY);
    // What it goes on to say concerns nobody.
    this.#applier = undefined;
    this.#replies = undefined;
    this.#state = 'down';
    const own: (Connection & CreditEntry)[] = [...this.#own()];
    for (const connection of own) connection.wantsCredit = false;
    const victims = this.#inboundQueue.detach(taken, own);
    let closed = 0;
    for (const connection of victims) {
      if (connection.isGone) {
        this.#host.onForgotten(connection);
        continue;
      }
      closed++;
      connection.fail(CloseCode.InternalError, 'the worker of this connection died');
    }
    this.#host.onWorkerExit(this, exit, closed);
  }

  #fellDown(): void {
    if (this.#state === 'starting') this.#state = 'down';
  }

  *#own(): IterableIterator<Connection> {
    for (const connection of this.#host.connections) if (connection.shard === this) yield connection;
  }

  /** The words that it shares with its worker of now. */
  get control(): Int32Array {
    return this.#control;
  }

  /** Ends the worker's thread, which is replaced. @param code of the error when it was about to start */
  replace(reason: string, code: HubErrorCode): void {
    void this.#link?.kill(reason, code);
  }

  // Inbound

  /** A connection opened. */
  openConnection(connection: Connection): void {
    this.#connections++;
    // Where no hook wants to know, the worker learns of a connection with its first message.
    if (this.#hooks.open) this.#inboundQueue.enqueue(connection, Inbound.Open, NOTHING);
  }

  /** A message arrived; `source` is not read after the call. hot */
  pushMessage(
    connection: Connection,
    source: Uint8Array,
    start: number,
    end: number,
    mask: number,
    isBinary: boolean,
  ): void {
    this.#messages++;
    // The worker starts on what is there while the I/O thread goes on reading. Between connections, since messages that
    // are handed over together are answered in one write.
    if (this.#last !== connection) {
      this.#last = connection;
      if (this.#inboundQueue.isLoaded) this.flush();
    }
    const kind = isBinary ? Inbound.Message | Flag.Binary : Inbound.Message;
    this.#inboundQueue.enqueue(connection, kind, source, start, end, mask);
    // It has its share, and may go on for long before the turn ends.
    if (connection.backlog?.length === 1) this.flush();
    // The introduction of an unknown connection is still to be counted.
    if (this.latency !== undefined && this.#inboundQueue.isKnownToWorker(connection))
      this.latency.onAccepted(connection);
  }

  /** A connection is gone. Its last record, unless the worker never heard of it. */
  connectionGone(connection: Connection, code: number, reason: string): void {
    this.#connections--;
    if (this.#last === connection) this.#last = undefined;
    if (connection.isCut) {
      this.dropMessages(connection);
      this.#inboundQueue.markLeaving(connection);
      // No worker has met it, and none needs to.
      if (!this.#inboundQueue.isKnownToWorker(connection)) {
        this.#forget(connection);
        return;
      }
    }
    if (this.#inboundQueue.isKnown(connection)) {
      this.#inboundQueue.enqueue(connection, Inbound.Close, encodeClose(code, reason));
      this.#inboundQueue.abort(connection);
    } else if (connection.inFlight === 0) {
      this.#host.onForgotten(connection);
    }
  }

  /** Nobody has to be told any more. */
  #forget(connection: Connection): void {
    this.#inboundQueue.dropAll(connection);
    this.#host.onForgotten(connection);
  }

  /** Forgets messages that no worker has seen, of a connection that is gone or about to be. */
  dropMessages(connection: Connection): void {
    this.#host.counters.dropped['connection-gone'] += this.#inboundQueue.dropMessages(connection);
  }

  grantCredit(connection: Connection & CreditEntry): void {
    if (!connection.hasSpace) return;
    connection.wantsCredit = false;
    this.#inboundQueue.grantCredit(connection);
  }

  /** Lets the worker have what was staged, and wakes it if it sleeps. */
  flush(): void {
    if (!this.#inboundQueue.fill()) return;
    this.meter?.onFlush(this.#messages, this.#inbound!.lastPosition);
    this.#inbound!.flush();
    this.#batches++;
    if (this.wake()) this.#wakeups++;
  }

  /** True when the worker slept. */
  wake(): boolean {
    const before = wakeWorker(this.#control);
    if (before === WorkerSleep.Parked) this.#link!.notify();
    return before !== WorkerSleep.Awake;
  }

  // Replies

  /** Applies replies until a point in time; false when there are more. */
  apply(deadline: number): boolean {
    if (this.#applier === undefined) return true;
    // In this order: every reply that refers to a record before this position is among those that are there now.
    const released = Atomics.load(this.#control, Word.InReleased);
    const isDone = this.#applier.apply(deadline);
    const costMs = this.#cost.measure(this.isBusy);
    if (costMs !== undefined) this.#inboundQueue.setCost(costMs);
    const free = this.#releases.next(released, this.#replies!, isDone);
    if (free !== undefined) this.#inboundQueue.release(free);
    return isDone;
  }

  stayAwake(): void {
    stayAwake(this.#control);
  }

  /** True when there are replies to apply. */
  get hasReplies(): boolean {
    return this.#replies?.refresh() === true;
  }

  /** True while its worker, on a thread of its own, runs a hook that may follow one that has finished. */
  get isAtWork(): boolean {
    if (this.#state !== 'up' || this.#host.isLocal || this.#inboundQueue.inFlight < 2) return false;
    return Atomics.load(this.#control, Word.WorkerSleep) === WorkerSleep.Awake;
  }

  get inFlight(): number {
    return this.#inboundQueue.inFlight;
  }

  get isBusy(): boolean {
    return this.#inboundQueue.inFlight > 0;
  }

  /** From here on the worker rings when there is something to do; false when there is already. */
  park(): boolean {
    // Hooks that wait release records without a reply, perhaps until what waits for room has come.
    const { wantsSpace } = this.#inboundQueue;
    parkIoThread(this.#control, wantsSpace);
    if (!(wantsSpace && this.#inbound!.hasReleased) && !this.hasReplies) return true;
    stayAwake(this.#control);
    return false;
  }

  /** hot: once for the records of a connection in a row. */
  onDone(connection: Connection | undefined, records: number, bytes: number): void {
    this.#cost.count(records);
    this.#inboundQueue.finish(connection, records, bytes);
    if (this.latency !== undefined) this.latency.onDone(connection, records);
    if (connection === undefined || connection.inFlight > 0) return;
    if (connection.isGone) this.#host.onForgotten(connection);
    else connection.settle();
  }

  onFailure(connection: Connection | undefined, failure: FailureRecord): void {
    this.#host.onFailure(this, connection, failure);
  }

  onDeferred(connection: Connection, position: number): void {
    this.#inboundQueue.hold(connection, position);
  }

  onBegun(connection: Connection): void {
    this.#inboundQueue.dropHeld(connection);
  }

  onRequest(connection: Connection | undefined, payload: Uint8Array): void {
    this.#host.onRequest(connection, payload, this.#inboundQueue.answerer());
  }

  onCreditAsked(connection: Connection & CreditEntry): void {
    connection.wantsCredit = true;
    // Inside a cork the socket is looked at when it ends; elsewhere by this.
    this.#host.flushSoon(connection);
  }
}
