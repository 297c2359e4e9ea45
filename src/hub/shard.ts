/**
 * A shard: a fixed set of connections whose messages go to one worker, in order. Front end thread.
 *
 * What arrives is staged in the inbound ring and flushed to the worker at the end of the poll phase; what comes while
 * the worker is at work is simply there when it looks again, so batches grow with load and no timer is involved.
 * A connection may have so much in the ring; the rest waits in its backlog, and backlogs enter in turns.
 */
import { CloseCode } from '../close-codes.js';
import type { ErrorRecord } from '../errors.js';
import type { Counters } from '../metrics/counters.js';
import { encodeClose } from '../wire/close.js';
import { copyToShared } from '../wire/copy.js';
import { InboundWriter } from '../wire/inbound.js';
import type { HandlerHooks } from '../wire/lane-task.js';
import { Block, CONTROL_BYTES, Flag, Inbound, KIND_MASK, type LaneMemory, Word } from '../wire/layout.js';
import { ReplyReader } from '../wire/replies.js';
import type { BacklogEntry, Connection } from './connection.js';
import type { Connections } from './connections.js';
import { Deque } from './deque.js';
import type { Lane, LaneExit } from './lane.js';
import { ReplyApplier, type ReplySink } from './replies.js';

/** Bytes of each ring. */
const RING_BYTES = 4 * 1024 * 1024;
/** Records that one connection may have in the ring and in the worker. */
const RING_SHARE = 128;

export interface ShardHost {
  readonly counters: Counters;
  readonly connections: Connections;
  readonly isLocal: boolean;
  /** Something was staged: flush at the end of this poll phase. */
  schedule(): void;
  /** Replies are there. */
  onBell(): void;
  onFailure(shard: Shard, connection: Connection | undefined, failure: ErrorRecord): void;
  onLaneExit(shard: Shard, exit: LaneExit): void;
  /** A connection that is gone has left the worker too. */
  onForgotten(connection: Connection): void;
}

export interface ShardStats {
  readonly shard: number;
  readonly connections: number;
  readonly batches: number;
  readonly messages: number;
  readonly wakeups: number;
  readonly restarts: number;
  readonly inFlight: number;
}

export class Shard implements ReplySink {
  readonly index: number;
  readonly #host: ShardHost;
  readonly #makeLane: () => Lane;
  /** Connections with a backlog that may enter the ring, in turn. */
  readonly #listed = new Deque<Connection>();
  /** Blocks of large messages in flight, by the position of their record, oldest first. */
  readonly #blocks = new Map<number, Uint8Array>();
  #lane: Lane | undefined;
  #control!: Int32Array;
  #inbound!: InboundWriter;
  #replies!: ReplyReader;
  #applier!: ReplyApplier;
  #hooks: HandlerHooks = { open: true, close: true };
  /** Counts the lives of the shard's worker. */
  #life = 0;
  #connections = 0;
  #batches = 0;
  #messages = 0;
  #wakeups = 0;
  #inFlight = 0;
  /** True while there is a worker that takes records. */
  #isUp = false;

  constructor(index: number, host: ShardHost, makeLane: () => Lane) {
    this.index = index;
    this.#host = host;
    this.#makeLane = makeLane;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Starts the worker. Resolves once its handler is loaded. */
  async start(): Promise<void> {
    const memory: LaneMemory = {
      control: new SharedArrayBuffer(CONTROL_BYTES),
      inbound: new SharedArrayBuffer(RING_BYTES),
      replies: new SharedArrayBuffer(RING_BYTES),
    };
    this.#control = new Int32Array(memory.control);
    const staging = this.#host.isLocal ? undefined : new Block(new ArrayBuffer(RING_BYTES));
    this.#inbound = new InboundWriter(this.#control, new Block(memory.inbound), staging);
    this.#replies = new ReplyReader(this.#control, new Block(memory.replies));
    this.#applier = new ReplyApplier(this.#replies, this.#inbound, this.#host.connections, this);
    this.#life++;
    this.#lane = this.#makeLane();
    this.#hooks = await this.#lane.start(memory, {
      onBell: () => this.#host.onBell(),
      applyReplies: () => this.apply(Number.POSITIVE_INFINITY),
      onExit: (exit) => {
        this.#isUp = false;
        this.#host.onLaneExit(this, exit);
      },
    });
    this.#isUp = true;
  }

  stats(): ShardStats {
    return {
      shard: this.index,
      connections: this.#connections,
      batches: this.#batches,
      messages: this.#messages,
      wakeups: this.#wakeups,
      restarts: this.#life - 1,
      inFlight: this.#inFlight,
    };
  }

  // Inbound

  /** A connection opened. */
  open(connection: Connection): void {
    this.#connections++;
    // Where no hook wants to know, the worker learns of a connection with its first message.
    if (this.#hooks.open) this.#enter(connection, Inbound.Open, NOTHING);
  }

  /** A message arrived; `bytes` is not read after the call. hot */
  push(connection: Connection, bytes: Uint8Array, isBinary: boolean): void {
    this.#messages++;
    this.#enter(connection, isBinary ? Inbound.Message | Flag.Binary : Inbound.Message, bytes);
  }

  /** A connection is gone. Its last record, unless the worker never heard of it. */
  gone(connection: Connection, code: number, reason: string): void {
    this.#connections--;
    const isKnown = (this.#isUp && connection.knownTo === this.#life) || connection.backlog !== undefined;
    if (isKnown) this.#enter(connection, Inbound.Close, encodeClose(code, reason));
    else this.#host.onForgotten(connection);
  }

  /** Lets the worker have what was staged, and wakes it if it sleeps. */
  flush(): void {
    if (!this.#isUp) return;
    this.#admitBacklogs();
    if (!this.#inbound.flush()) return;
    this.#batches++;
    if (Atomics.compareExchange(this.#control, Word.WorkerAsleep, 1, 0) !== 1) return;
    this.#wakeups++;
    this.#lane!.ring();
  }

  /** Tells the worker to finish, and waits until it has, at most so long. */
  async stop(timeoutMs: number): Promise<void> {
    if (!this.#isUp) return this.kill('the hub stops');
    this.#inbound.tryWrite(Inbound.Stop, 0, 0, undefined);
    this.flush();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'late');
    });
    if ((await Promise.race([this.#lane!.finished(), late])) === 'late') {
      await this.kill('it did not stop in time');
    }
    clearTimeout(timer);
  }

  async kill(reason: string): Promise<void> {
    await this.#lane?.kill(reason);
  }

  /**
   * The worker's thread has ended by itself. What was finished is applied; connections with a message that had begun
   * and not finished are closed; what had not begun goes to a new worker.
   *
   * @returns how many connections were closed
   */
  async recover(): Promise<number> {
    this.apply(Number.POSITIVE_INFINITY);
    const untaken = this.#takeBack();
    this.#listed.clear();
    this.#blocks.clear();
    let victims = 0;
    for (const connection of this.#own()) {
      connection.isListed = false;
      if (this.#settleAfterCrash(connection, untaken.get(connection) ?? [])) victims++;
    }
    await this.start();
    for (const connection of this.#own()) {
      if (connection.backlog !== undefined) this.#list(connection);
      else if (this.#hooks.open && !connection.isGone) this.#enter(connection, Inbound.Open, NOTHING);
    }
    return victims;
  }

  // Replies

  /** Applies replies until a point in time; false when there are more. */
  apply(deadline: number): boolean {
    // In this order: every reply that refers to a record before this position is among those applied now.
    const released = Atomics.load(this.#control, Word.InReleased);
    if (!this.#applier.apply(deadline)) return false;
    this.#free(released);
    return true;
  }

  /** From here on the worker does not ring. */
  wakeUp(): void {
    Atomics.store(this.#control, Word.FrontAsleep, 0);
  }

  /** From here on the worker rings when replies are there; false when there are some already. */
  fallAsleep(): boolean {
    Atomics.store(this.#control, Word.FrontAsleep, 1);
    if (!this.#replies.refresh()) return true;
    Atomics.store(this.#control, Word.FrontAsleep, 0);
    return false;
  }

  /** hot: once per record. */
  onDone(connection: Connection | undefined, bytes: number): void {
    const { counters } = this.#host;
    this.#inFlight--;
    counters.inFlight--;
    counters.inFlightBytes -= bytes;
    if (connection === undefined) return;
    connection.inFlight--;
    connection.inFlightBytes -= bytes;
    connection.inRing--;
    if (connection.backlog !== undefined) this.#list(connection);
    if (connection.inFlight > 0) return;
    if (connection.isGone) this.#host.onForgotten(connection);
    else connection.settle();
  }

  onFailure(connection: Connection | undefined, failure: ErrorRecord): void {
    this.#host.onFailure(this, connection, failure);
  }

  blockAt(position: number): Uint8Array | undefined {
    return this.#blocks.get(position);
  }

  // Into the ring

  /** Accepts a record: into the ring, or behind what waits already. hot */
  #enter(connection: Connection, kind: number, payload: Uint8Array): void {
    const isMessage = (kind & KIND_MASK) === Inbound.Message;
    this.#account(connection, 1, isMessage ? payload.byteLength : 0);
    const isFree = this.#isUp && connection.backlog === undefined && connection.inRing < RING_SHARE;
    if (!isFree || !this.#stage(connection, kind, payload)) {
      connection.backlog ??= new Deque<BacklogEntry>();
      connection.backlog.push({ kind, payload: Uint8Array.prototype.slice.call(payload) });
      this.#list(connection);
    }
    this.#host.schedule();
  }

  /** Writes a record to the ring; false when there is no room. hot */
  #stage(connection: Connection, kind: number, payload: Uint8Array): boolean {
    const inbound = this.#inbound;
    const { slot, generation } = connection;
    if (connection.knownTo !== this.#life) {
      const isOpen = (kind & KIND_MASK) === Inbound.Open;
      if (!this.#stageOpen(connection, isOpen)) return false;
      if (isOpen) return true;
    }
    if (payload.byteLength > inbound.maxPayload) {
      if (!this.#stageBlock(kind, slot, generation, payload)) return false;
    } else if (!inbound.tryWrite(kind, slot, generation, payload)) return false;
    connection.inRing++;
    return true;
  }

  /** Introduces a connection to the worker. */
  #stageOpen(connection: Connection, isAccounted: boolean): boolean {
    const kind = connection.knownTo === 0 ? Inbound.Open : Inbound.Open | Flag.Restarted;
    const { slot, generation, request } = connection;
    if (!this.#inbound.tryWriteText(kind, slot, generation, request)) return false;
    connection.knownTo = this.#life;
    connection.inRing++;
    if (!isAccounted) this.#account(connection, 1, 0);
    return true;
  }

  /** A large message: its bytes travel beside the ring. */
  #stageBlock(kind: number, slot: number, generation: number, payload: Uint8Array): boolean {
    if (!this.#inbound.tryWrite(kind | Flag.External, slot, generation, undefined)) return false;
    const block = new SharedArrayBuffer(payload.byteLength);
    const bytes = new Uint8Array(block);
    copyToShared(bytes, 0, payload);
    this.#blocks.set(this.#inbound.lastPosition, bytes);
    this.#lane!.postBlock(block);
    return true;
  }

  // After a crash

  *#own(): IterableIterator<Connection> {
    for (const connection of this.#host.connections) if (connection.shard === this) yield connection;
  }

  /** What the dead worker had not taken, by connection, in order. */
  #takeBack(): Map<Connection, BacklogEntry[]> {
    const taken = Atomics.load(this.#control, Word.InTaken);
    const byConnection = new Map<Connection, BacklogEntry[]>();
    for (const record of this.#inbound.recordsFrom(taken)) {
      const connection = this.#host.connections.get(record.slot, record.generation);
      if (connection === undefined) continue;
      if (record.kind === Inbound.Open) {
        // It is introduced again, as if for the first time.
        if ((record.flags & Flag.Restarted) === 0) connection.knownTo = 0;
        connection.inRing--;
        this.#account(connection, -1, 0);
        continue;
      }
      const payload = this.#blocks.get(record.position) ?? record.payload;
      const entries = byConnection.get(connection) ?? [];
      entries.push({ kind: record.kind | (record.flags & Flag.Binary), payload });
      byConnection.set(connection, entries);
    }
    return byConnection;
  }

  /** True when the crash costs the connection: a record of it had begun and not finished. */
  #settleAfterCrash(connection: Connection, untaken: BacklogEntry[]): boolean {
    const isVictim = connection.inRing > untaken.length;
    connection.inRing = 0;
    if (!isVictim) {
      for (const entry of connection.backlog ?? []) untaken.push(entry);
      connection.backlog = untaken.length === 0 ? undefined : Deque.from(untaken);
      return false;
    }
    this.#account(connection, -connection.inFlight, -connection.inFlightBytes);
    connection.backlog = undefined;
    connection.knownTo = 0;
    if (connection.isGone) this.#host.onForgotten(connection);
    else connection.closeNow(CloseCode.InternalError, 'the worker of this connection died');
    return true;
  }

  #account(connection: Connection, records: number, bytes: number): void {
    const { counters } = this.#host;
    this.#inFlight += records;
    counters.inFlight += records;
    counters.inFlightBytes += bytes;
    connection.inFlight += records;
    connection.inFlightBytes += bytes;
  }

  #list(connection: Connection): void {
    if (connection.isListed || connection.inRing >= RING_SHARE) return;
    connection.isListed = true;
    this.#listed.push(connection);
    this.#host.schedule();
  }

  /** Backlogs enter the ring in turns, one record each, while there is room. */
  #admitBacklogs(): void {
    let connection = this.#listed.peek();
    while (connection !== undefined) {
      const backlog = connection.backlog;
      const entry = backlog?.peek();
      if (backlog !== undefined && entry !== undefined) {
        if (!this.#stage(connection, entry.kind, entry.payload)) return;
        backlog.shift();
      }
      this.#listed.shift();
      connection.isListed = false;
      if (backlog === undefined || backlog.length === 0) connection.backlog = undefined;
      else this.#list(connection);
      connection = this.#listed.peek();
    }
  }

  #free(position: number): void {
    this.#inbound.free(position);
    for (const at of this.#blocks.keys()) {
      if (((position - at) | 0) <= 0) break;
      this.#blocks.delete(at);
    }
  }
}

const NOTHING = new Uint8Array(0);
