/**
 * A shard: a fixed set of connections whose messages go to one worker, in order. I/O thread.
 *
 * What arrives is staged in the inbound ring and flushed to the worker at the end of the poll phase; what comes while
 * the worker is at work is simply there when it looks again, so batches grow with load and no timer is involved.
 */
import type { FailureRecord } from '../../api/bad-message.js';
import { CloseCode } from '../../api/close-codes.js';
import type { ShardState, ShardStats } from '../../api/stats.js';
import type { LatencyProbe } from '../../telemetry/latency.js';
import { encodeClose } from '../../wire/close.js';
import { parkIoThread, stayAwake, WorkerSleep } from '../../wire/doorbell.js';
import * as Flag from '../../wire/flag.js';
import * as Inbound from '../../wire/inbound-kind.js';
import * as Word from '../../wire/word.js';
import type { LogRecord } from '../../wire/worker-task.js';
import type { Connection } from '../connection/connection.js';
import type { CreditEntry, InboundEntry, ShardEntry } from '../connection/connection-record.js';
import type { BatchMeter } from './batch-meter.js';
import { CostMeter } from './cost-meter.js';
import { InboundQueue } from './inbound-queue.js';
import { keepState } from './introduction.js';
import type { ReplySink } from './replies.js';
import { Rings } from './rings.js';
import type { ShardHost } from './shard-host.js';
import { ShardWorker } from './shard-worker.js';
import type { WorkerExit, WorkerLink } from './worker-link.js';

const NOTHING = new Uint8Array(0);
/** Gets the answers to a worker that has handed over: another one has its place. */
const NOBODY = () => {};

export class Shard implements ReplySink {
  readonly index: number;
  readonly #host: ShardHost<Shard>;
  readonly #inboundQueue: InboundQueue;
  readonly worker: ShardWorker;
  /** While somebody looks at the statistics. */
  latency: LatencyProbe | undefined = undefined;
  /** Counted by whoever is told of them. */
  readonly faults = { errors: 0, timeouts: 0, deaths: 0 };
  #connections = 0;
  #batches = 0;
  #messages = 0;
  #wakeups = 0;
  /** It has stopped, and nothing is in flight any more. */
  #isOver = false;
  readonly #cost = new CostMeter();
  /** With what its workers measure. */
  readonly meter: BatchMeter | undefined;
  /** Whose message came last. */
  #last: Connection | undefined;

  constructor(index: number, host: ShardHost<Shard>, makeLink: () => WorkerLink) {
    this.index = index;
    this.#host = host;
    const { counters, connections, concurrency } = host;
    this.#inboundQueue = new InboundQueue(counters, connections, () => host.schedule(), concurrency);
    this.meter = host.makeMeter();
    this.worker = new ShardWorker({
      index,
      queue: this.#inboundQueue,
      makeLink,
      makeRings: () => new Rings(host, this, this.meter?.memory),
      own: () => this.#own(),
      schedule: () => host.schedule(),
      applyAll: () => this.apply(Number.POSITIVE_INFINITY),
      onFenced: () => this.meter?.timings.forget(),
      onStuck: () => host.onStuck(this),
      onLateStop: () => host.onLateStop(this),
      onExit: (exit, victims) => this.#onWorkerExit(exit, victims),
    });
  }

  get connections(): number {
    return this.#connections;
  }

  /** Messages that were accepted. */
  get messages(): number {
    return this.#messages;
  }

  get state(): ShardState {
    return this.worker.state;
  }

  stats(): ShardStats {
    return {
      shard: this.index,
      state: this.worker.isHandingOver ? 'suspended' : this.worker.state,
      connections: this.#connections,
      batches: this.#batches,
      messages: this.#messages,
      wakeups: this.#wakeups,
      restarts: this.worker.restarts,
      generation: this.worker.loaded?.generation ?? 0,
      inFlight: this.#inboundQueue.inFlight.records,
    };
  }

  // The worker's life

  /**
   * Starts a worker. Resolves once its handler is loaded and the shard is up.
   *
   * @throws HubError `ERR_HANDLER_LOAD` or `ERR_WORKER`; the shard is down then
   */
  start(): Promise<void> {
    return this.worker.start();
  }

  /**
   * Tells the worker to finish, and waits until it has, at most so long. After all connections are gone: what they have left by
   * then is dropped.
   */
  async stop(timeoutMs: number): Promise<void> {
    await this.worker.stop(timeoutMs);
    this.#isOver = true;
    for (const connection of [...this.#own()]) {
      // Beside its messages there is the record of its end.
      const messages = connection.inFlight - (connection.isOpening ? 2 : 1);
      this.#host.counters.dropped['connection-gone'] += messages;
      this.#forget(connection);
    }
  }

  /** Closes every connection of a shard that is down, until it is started again. */
  rest(): void {
    if (!this.worker.rest()) return;
    for (const connection of [...this.#own()]) {
      if (connection.isGone) this.#forget(connection);
      else connection.fail(CloseCode.TryAgainLater, 'the worker of this connection rests: try again later');
    }
  }

  #onWorkerExit(exit: WorkerExit, victims: readonly Connection[]): void {
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

  *#own(): IterableIterator<Connection> {
    for (const connection of this.#host.connections) if (connection.shard === this) yield connection;
  }

  // Inbound

  /** A connection opened. */
  openConnection(connection: Connection): void {
    this.#connections++;
    // Where no hook wants to know, the worker learns of a connection with its first message.
    if (this.worker.hooks.open) this.#inboundQueue.enqueue(connection, Inbound.Open, NOTHING);
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

  /** Its handler is told in its turn, if it wants to know; before the first worker has said so, it may. */
  tellLost(connection: Connection, loss: Uint8Array, maxInFlight: number): boolean {
    if (this.worker.hooks.topicLost[connection.route.handlerIndex] === false) return true;
    if (connection.inFlight >= maxInFlight) return false;
    this.#inboundQueue.enqueue(connection, Inbound.Lost, loss);
    return true;
  }

  /** A connection is gone. Its last record, unless the worker never heard of it. */
  connectionGone(connection: Connection, code: number, reason: string): void {
    this.#connections--;
    if (this.#last === connection) this.#last = undefined;
    if (connection.isCut) {
      this.dropMessages(connection);
      this.#inboundQueue.inFlight.markLeaving(connection);
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

  /** Another shard takes the connection over, while neither has a worker. */
  moveTo(other: Shard, connection: Connection & ShardEntry<Connection>): void {
    if (!connection.isGone) {
      this.#connections--;
      other.#connections++;
    }
    if (this.#last === connection) this.#last = undefined;
    this.#inboundQueue.moveTo(other.#inboundQueue, connection);
    connection.shard = other;
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
    const { inbound } = this.worker.life!.rings;
    this.meter?.onFlush(this.#messages, inbound.lastPosition);
    inbound.flush();
    this.#batches++;
    if (this.wake()) this.#wakeups++;
  }

  /** True when the worker slept. */
  wake(): boolean {
    return this.worker.life?.wake() === true;
  }

  // Replies

  /** Applies replies until a point in time; false when there are more. */
  apply(deadline: number): boolean {
    const rings = this.worker.life?.rings;
    if (rings === undefined) return true;
    // In this order: every reply that refers to a record before this position is among those that are there now.
    const { released } = rings;
    const isDone = rings.apply(deadline);
    const costMs = this.#cost.measure(this.isBusy);
    if (costMs !== undefined) this.#inboundQueue.share.setCost(costMs);
    const free = rings.release(released, isDone);
    if (free !== undefined) this.#inboundQueue.release(free);
    return isDone;
  }

  stayAwake(): void {
    stayAwake(this.worker.control);
  }

  /** True when there are replies to apply. */
  get hasReplies(): boolean {
    return this.worker.life?.rings.replies.refresh() === true;
  }

  /** True while its worker, on a thread of its own, runs a hook that may follow one that has finished. */
  get isAtWork(): boolean {
    if (this.worker.state !== 'up' || this.#host.isLocal || this.#inboundQueue.inFlight.records < 2)
      return false;
    return Atomics.load(this.worker.control, Word.WorkerSleep) === WorkerSleep.Awake;
  }

  get inFlight(): number {
    return this.#inboundQueue.inFlight.records;
  }

  get isBusy(): boolean {
    return this.#inboundQueue.inFlight.records > 0;
  }

  /** From here on the worker rings when there is something to do; false when there is already. */
  park(): boolean {
    // Hooks that wait release records without a reply, perhaps until what waits for room has come.
    const { wantsSpace } = this.#inboundQueue;
    parkIoThread(this.worker.control, wantsSpace);
    if (!(wantsSpace && this.worker.life?.rings.inbound.hasReleased) && !this.hasReplies) return true;
    stayAwake(this.worker.control);
    return false;
  }

  /** hot: once for the records of a connection in a row. */
  onDone(connection: Connection | undefined, records: number, bytes: number): void {
    // It was dropped when the shard stopped, and a thread that was left behind, or is this one, has finished it all the same.
    if (connection === undefined && this.#isOver) return;
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

  onLog(connection: string | undefined, line: LogRecord): void {
    this.#host.onLog(this, connection, line);
  }

  onDeferred(connection: Connection, position: number): void {
    this.#inboundQueue.hold(connection, position);
  }

  onBegun(connection: Connection): void {
    this.#inboundQueue.dropHeld(connection);
  }

  onRequest(connection: Connection | undefined, payload: Uint8Array): void {
    this.#host.onRequest(connection, payload, this.worker.isLate ? NOBODY : this.#inboundQueue.answerer());
  }

  onSuspended(connection: Connection & InboundEntry, state: Uint8Array): void {
    keepState(connection, state);
  }

  onCreditAsked(connection: Connection & CreditEntry): void {
    connection.wantsCredit = true;
    // Inside a cork the socket is looked at when it ends; elsewhere by this.
    this.#host.flushSoon(connection);
  }
}
