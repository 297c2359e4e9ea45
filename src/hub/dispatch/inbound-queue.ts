/**
 * A shard's way in: what connections say goes into the inbound ring, or behind what already waits. I/O thread.
 *
 * A connection may have so much in the ring; the rest waits in its backlog, and backlogs enter in turns. So a
 * connection that floods its shard delays its own messages and nobody else's. It is also what knows, when a worker
 * dies, which records the worker had not taken.
 */
import type { Counters } from '../../telemetry/counters.js';
import { Deque } from '../../util/deque.js';
import * as Flag from '../../wire/flag.js';
import type { InboundWriter } from '../../wire/inbound.js';
import * as Inbound from '../../wire/inbound-kind.js';
import { KIND_MASK, UNIT_BYTES } from '../../wire/layout.js';
import type { HandlerHooks } from '../../wire/worker-task.js';
import { Backlog, type BacklogEntry } from '../connection/backlog.js';
import type { Connection } from '../connection/connection.js';
import type { InboundEntry } from '../connection/connection-record.js';
import type { Connections } from '../connection/connections.js';
import { giveBack } from '../connection/copies.js';
import { InFlight } from './in-flight.js';
import { introduce, KnownTo, withdraw } from './introduction.js';
import { Notes, type TellWorker } from './notes.js';
import { Share } from './share.js';

/**
 * So much of a backlog enters in a row: its replies then leave in one write. One at a time, 50 connections with 256
 * messages in flight get a seventh of the throughput.
 */
const RUN_RECORDS = 64;
const RUN_BYTES = 64 * 1024;

/** Units of the ring. */
const LOAD_UNITS = (512 * 1024) / UNIT_BYTES;

const NOTHING = new Uint8Array(0);

/** A connection, with what this queue keeps of it. */
type Entry = Connection & InboundEntry;

export class InboundQueue {
  readonly #counters: Counters;
  readonly #connections: Connections;
  readonly #schedule: () => void;
  /** Connections with a backlog that may enter the ring, in turn. */
  readonly #listed = new Deque<Entry>();
  /** Peers that are gone while they have a backlog; connections that have room again, whose worker asked; answers. */
  readonly #notes = new Notes();
  /** The worker's ring, and the same while it takes records. */
  #ring: InboundWriter | undefined;
  #inbound: InboundWriter | undefined;
  #tell: TellWorker | undefined;
  /** Counts the lives of the shard's worker. */
  #life = 0;
  readonly inFlight: InFlight;
  readonly share: Share;

  /**
   * @param schedule something is to be flushed at the end of this poll phase
   * @param concurrency messages of one connection that its worker works on at a time
   */
  constructor(counters: Counters, connections: Connections, schedule: () => void, concurrency = 1) {
    this.#counters = counters;
    this.#connections = connections;
    this.#schedule = schedule;
    this.inFlight = new InFlight(counters);
    this.share = new Share(concurrency);
  }

  /** True when a worker knows the connection, or is going to. */
  isKnown(connection: Entry): boolean {
    const isOnItsWay = connection.backlog !== undefined || connection.knownTo === KnownTo.Reloaded;
    return isOnItsWay || this.isKnownToWorker(connection);
  }

  isKnownToWorker(connection: Entry): boolean {
    return this.#ring !== undefined && connection.knownTo === this.#life;
  }

  /** Keeps a record that waits in the worker, for the case that the worker dies before it begins. */
  hold(connection: Entry, position: number): void {
    const ring = this.#ring!;
    const head = ring.headAt(position);
    connection.held ??= new Backlog();
    connection.held.pushCopy(head & (KIND_MASK | Flag.Binary), ring.payloadAt(position));
  }

  /** The oldest record that was held begins. */
  dropHeld(connection: Entry): void {
    const entry = connection.held?.shift();
    if (entry !== undefined) giveBack(entry.payload);
  }

  /** Forgets everything that waits to enter the ring. */
  dropAll(connection: Entry): void {
    this.dropMessages(connection);
    connection.backlog = undefined;
    this.inFlight.clear(connection);
  }

  /** A new worker takes records from here on. */
  attach(inbound: InboundWriter): void {
    this.#inbound = this.#ring = inbound;
    this.#tell = undefined;
    // Who came onto it since the worker before was gone may be on another shard by now.
    this.#listed.clear();
    this.#life++;
  }

  /**
   * Accepts a record with `source[start…end)` as its payload; `source` is not read after the call. hot
   *
   * @param mask of a message, as for `SocketListener.onMessage`
   */
  enqueue(
    connection: Entry,
    kind: number,
    source: Uint8Array,
    start = 0,
    end = source.length,
    mask = 0,
  ): void {
    const isMessage = (kind & KIND_MASK) === Inbound.Message;
    this.inFlight.add(connection, 1, isMessage ? end - start : 0);
    if (!isMessage && (kind & KIND_MASK) === Inbound.Open) connection.isOpening = true;
    // Who waits already comes first.
    const isFree =
      connection.backlog === undefined && this.#listed.length === 0 && !this.share.isUsed(connection);
    if (!isFree || !this.#stage(connection, kind, source, start, end, mask)) {
      connection.backlog ??= new Backlog();
      connection.backlog.pushCopy(kind, source, start, end, mask);
      this.#list(connection);
    }
    this.#schedule();
  }

  /** The worker is to finish once it has taken everything before. */
  enqueueStop(): void {
    this.#inbound?.tryWrite(Inbound.Stop, 0, 0, NOTHING);
  }

  /** Records of a connection have finished. hot */
  finish(connection: Entry | undefined, records: number, bytes: number): void {
    if (connection === undefined) {
      this.inFlight.remove(records, bytes);
      return;
    }
    this.inFlight.add(connection, -records, -bytes);
    connection.isOpening = false;
    connection.inRing -= records;
    connection.inRingBytes -= bytes;
    if (connection.backlog !== undefined) this.#list(connection);
  }

  /** Forgets the messages that wait to enter the ring. @returns how many there were */
  dropMessages(connection: Entry): number {
    const { backlog } = connection;
    if (backlog === undefined) return 0;
    const kept: BacklogEntry[] = [];
    for (const entry of backlog) {
      if ((entry.kind & KIND_MASK) !== Inbound.Message) kept.push(entry);
      else {
        this.inFlight.add(connection, -1, -entry.payload.length);
        giveBack(entry.payload);
      }
    }
    connection.backlog = kept.length === 0 ? undefined : Backlog.of(kept);
    return backlog.length - kept.length;
  }

  /** The peer is gone: a hook that waits for that is told ahead of what waits to enter the ring. */
  abort(connection: Entry): void {
    if (connection.backlog === undefined || !this.isKnownToWorker(connection)) return;
    this.#notes.push(Inbound.Abort, connection);
    this.#schedule();
  }

  /** The connection has room, and its worker asked: it is told ahead of what waits to enter the ring. */
  grantCredit(connection: Entry): void {
    if (!this.isKnownToWorker(connection)) return;
    this.#notes.push(Inbound.Credit, connection);
    this.#schedule();
  }

  /** Answers a question of the worker's life at hand; for a later one it is nobody's. */
  answerer(): (bytes: Uint8Array) => void {
    const life = this.#life;
    return (bytes) => {
      if (this.#ring === undefined || life !== this.#life) return;
      this.#notes.push(Inbound.Answer, undefined, bytes);
      this.#schedule();
    };
  }

  /** Fills the ring and lets the worker have it. True when there was something. */
  flush(): boolean {
    return this.fill() && this.#inbound!.flush();
  }

  /** Fills the ring. True when there is something that the worker may have. */
  fill(): boolean {
    if (this.#inbound === undefined) {
      if (this.#tell !== undefined) this.#notes.tell(this.#tell);
      return false;
    }
    this.#notes.write(this.#inbound);
    this.#admitBacklogs();
    return this.#inbound.hasStaged;
  }

  /** True when so much is staged that the worker should not wait for the end of the poll phase. hot */
  get isLoaded(): boolean {
    return this.#inbound !== undefined && this.#inbound.staged >= LOAD_UNITS;
  }

  /** True when something waits for room in the ring. */
  get wantsSpace(): boolean {
    if (this.#inbound === undefined) return false;
    return this.#listed.length > 0 || this.#notes.length > 0;
  }

  /** The worker has released everything before a position. */
  release(position: number): void {
    this.#ring?.free(position);
  }

  /**
   * The worker takes nothing any more: what it had not taken is put back in front of the backlogs, and what comes waits there.
   *
   * @param taken every record that ends at or before this position had begun
   */
  pause(taken: number, tell?: TellWorker): void {
    if (this.#inbound === undefined) return;
    const untaken = this.#takeBack(taken);
    this.#inbound = undefined;
    this.#tell = tell;
    for (const [connection, entries] of untaken) {
      for (const entry of connection.backlog ?? []) entries.push(entry);
      connection.backlog = Backlog.of(entries);
      // Its end is among them: a hook that waits for that is told.
      if (connection.isGone) this.abort(connection);
    }
  }

  /** The connection goes to another shard, whose worker does not know it. */
  moveTo(other: InboundQueue, connection: Entry): void {
    this.inFlight.moveTo(other.inFlight, connection);
    if (connection.knownTo > 0) connection.knownTo = KnownTo.Restarted;
  }

  /**
   * The worker is gone, or has handed over: what waited in it is put in front of the backlogs. After `pause`.
   *
   * @param own the connections of the shard
   * @param isHandOver it has finished everything that had begun
   * @returns the connections that it costs: a record of theirs had begun and not finished
   */
  detach(own: Iterable<Entry>, isHandOver = false): Entry[] {
    this.#ring = undefined;
    this.#tell = undefined;
    this.#listed.clear();
    this.#notes.clear();
    const victims: Entry[] = [];
    for (const connection of own) {
      const entries = [...(connection.held ?? [])].filter((entry) => this.#isWanted(connection, entry));
      const isVictim = connection.inRing > entries.length;
      if (isHandOver && connection.knownTo === this.#life) connection.knownTo = KnownTo.Reloaded;
      connection.held = undefined;
      connection.isListed = false;
      connection.inRing = 0;
      connection.inRingBytes = 0;
      if (isVictim) {
        this.inFlight.clear(connection);
        connection.backlog = undefined;
        victims.push(connection);
      } else if (entries.length > 0) {
        for (const entry of connection.backlog ?? []) entries.push(entry);
        connection.backlog = Backlog.of(entries);
      }
    }
    return victims;
  }

  /** A new worker is there: everybody's backlog may enter, and who is open is introduced if a hook wants to know. */
  resume(own: Iterable<Entry>, hooks: HandlerHooks): void {
    for (const connection of own) {
      connection.isListed = false;
      if (!hooks.resume) connection.suspended = undefined;
      if (connection.backlog !== undefined) this.#list(connection);
      else if ((hooks.open || hooks.resume) && connection.isOpen)
        this.enqueue(connection, Inbound.Open, NOTHING);
    }
    this.#schedule();
  }

  /** What the worker had not taken, by connection, in order. */
  #takeBack(taken: number): Map<Entry, BacklogEntry[]> {
    const byConnection = new Map<Entry, BacklogEntry[]>();
    for (const record of this.#inbound?.recordsFrom(taken) ?? []) {
      const connection: Entry | undefined = this.#connections.get(record.slot, record.generation);
      if (Notes.isNote(record.kind)) this.#notes.push(record.kind, record, record.payload);
      if (connection === undefined) continue;
      if (record.kind === Inbound.Open) {
        withdraw(connection, record);
        connection.inRing--;
        connection.isOpening = false;
        this.inFlight.add(connection, -1, 0);
      }
      if (record.kind === Inbound.Open || Notes.isNote(record.kind)) continue;
      const entry = { kind: record.kind | (record.flags & Flag.Binary), payload: record.payload };
      if (!this.#isWanted(connection, entry)) continue;
      connection.inRing--;
      if (record.kind === Inbound.Message) connection.inRingBytes -= entry.payload.length;
      const entries = byConnection.get(connection) ?? [];
      entries.push(entry);
      byConnection.set(connection, entries);
    }
    return byConnection;
  }

  /** False for a message of a connection that is cut: it is forgotten, as no worker processes it any more. */
  #isWanted(connection: Entry, { kind, payload }: BacklogEntry): boolean {
    if (!connection.isCut || (kind & KIND_MASK) !== Inbound.Message) return true;
    connection.inRing--;
    this.inFlight.add(connection, -1, -payload.length);
    this.#counters.dropped['connection-gone']++;
    return false;
  }

  /** Writes a record to the ring; false when there is no room. hot */
  #stage(
    connection: Entry,
    kind: number,
    source: Uint8Array,
    start = 0,
    end = source.length,
    mask = 0,
  ): boolean {
    const inbound = this.#inbound;
    if (inbound === undefined) return false;
    const { slot, generation } = connection;
    if (connection.knownTo !== this.#life) {
      const isOpen = (kind & KIND_MASK) === Inbound.Open;
      if (!this.#stageOpen(inbound, connection, isOpen)) return false;
      if (isOpen) return true;
    }
    if (!inbound.tryWrite(kind, slot, generation, source, start, end, mask)) return false;
    connection.inRing++;
    if ((kind & KIND_MASK) === Inbound.Message) connection.inRingBytes += end - start;
    return true;
  }

  /** Introduces a connection to the worker. */
  #stageOpen(inbound: InboundWriter, connection: Entry, isAccounted: boolean): boolean {
    if (!introduce(inbound, connection)) return false;
    connection.knownTo = this.#life;
    connection.inRing++;
    // Its end may wait behind messages whose hooks wait for that.
    if (connection.isGone) this.abort(connection);
    if (isAccounted) return true;
    connection.isOpening = true;
    this.inFlight.add(connection, 1, 0);
    return true;
  }

  #list(connection: Entry): void {
    if (connection.isListed || this.share.isUsed(connection)) return;
    connection.isListed = true;
    this.#listed.push(connection);
    this.#schedule();
  }

  /** Backlogs enter the ring in turns, a run of records each, while there is room. */
  #admitBacklogs(): void {
    let connection = this.#listed.peek();
    while (connection !== undefined) {
      const { backlog } = connection;
      if (backlog !== undefined && !this.#admitRun(connection, backlog)) return;
      this.#listed.shift();
      connection.isListed = false;
      if (backlog !== undefined && backlog.length > 0) this.#list(connection);
      else connection.backlog = undefined;
      connection = this.#listed.peek();
    }
  }

  /** False when the ring has no room for the next record. */
  #admitRun(connection: Entry, backlog: Backlog): boolean {
    let bytes = 0;
    for (let records = 0; records < RUN_RECORDS && bytes < RUN_BYTES; records++) {
      const entry = backlog.peek();
      if (entry === undefined || this.share.isUsed(connection)) return true;
      if (!this.#stage(connection, entry.kind, entry.payload)) return false;
      backlog.shift();
      bytes += entry.payload.length;
      giveBack(entry.payload);
    }
    return true;
  }
}
