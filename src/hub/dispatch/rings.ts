/**
 * The memory that a shard shares with one worker: what is written for it, and what is applied of what it says. A worker that
 * takes a shard over brings memory of its own. I/O thread.
 */
import { Arena } from '../../wire/arena.js';
import { InboundWriter } from '../../wire/inbound.js';
import { CONTROL_BYTES, RingMemory, type WorkerMemory } from '../../wire/layout.js';
import { ReplyReader } from '../../wire/replies.js';
import * as Word from '../../wire/word.js';
import type { Connections } from '../connection/connections.js';
import { ReleasePoint } from './release-point.js';
import { type FanOut, ReplyApplier, type ReplySink } from './replies.js';
import type { RingBlock, SpareMemory } from './spare-memory.js';

/** Bytes of each ring; memory that is not used is not resident. */
const INBOUND_BYTES = 16 * 1024 * 1024;
const REPLY_BYTES = 4 * 1024 * 1024;
/** Bytes of the arena for payloads that are not in the ring: one always has room. */
const ARENA_BYTES = 16 * 1024 * 1024;

export interface RingsHost {
  readonly isLocal: boolean;
  readonly maxPayload: number;
  readonly connections: Connections;
  readonly spareMemory: SpareMemory;
  /** What handlers do with topics. */
  readonly fanOut: FanOut;
}

export class Rings {
  readonly memory: WorkerMemory;
  readonly control: Int32Array;
  readonly inbound: InboundWriter;
  readonly replies: ReplyReader;
  readonly #applier: ReplyApplier;
  readonly #releases = new ReleasePoint();
  readonly #spareMemory: SpareMemory;
  /** Undefined where nothing is shared, and from when it was given back. */
  #block: RingBlock | undefined;
  /** Up to here the worker had taken records when it was fenced. */
  #taken: number | undefined;

  /** @param timings in which the worker measures its hooks, if it does */
  constructor(
    { isLocal, maxPayload, connections, fanOut, spareMemory }: RingsHost,
    sink: ReplySink,
    timings: WorkerMemory['timings'],
  ) {
    // On one thread nothing is shared, and copies into private memory are cheaper.
    const arenaBytes = Math.max(ARENA_BYTES, maxPayload);
    const block = isLocal ? makeLocal(arenaBytes) : (spareMemory.take() ?? makeBlock(arenaBytes));
    if (!isLocal) this.#block = block as RingBlock;
    this.#spareMemory = spareMemory;
    const { inbound: ring, staging, arena, replies: replyRing } = block;
    // New each time, and clear: it says what there is in the rest.
    const control = new SharedArrayBuffer(CONTROL_BYTES);
    this.memory = { control, inbound: ring, arena, replies: replyRing, timings };
    this.control = new Int32Array(control);
    const stagingRing = staging && new RingMemory(staging);
    this.inbound = new InboundWriter(this.control, new RingMemory(ring), new Arena(arena), stagingRing);
    this.replies = new ReplyReader(this.control, new RingMemory(replyRing));
    this.#applier = new ReplyApplier(this.replies, this.inbound, connections, sink, fanOut);
  }

  /** The worker has ended, and nothing in them is needed: others may have the memory. */
  giveBack(): void {
    if (this.#block !== undefined) this.#spareMemory.giveBack(this.#block);
    this.#block = undefined;
  }

  /** Applies replies until a point in time; false when there are more. */
  apply(deadline: number): boolean {
    return this.#applier.apply(deadline);
  }

  /** Up to where the worker has released records: before replies are looked for, since those may refer to them. */
  get released(): number {
    return Atomics.load(this.control, Word.InReleased);
  }

  /** Up to where memory may be used again, behind those replies, if there is a new place. */
  release(released: number, isDone: boolean): number | undefined {
    return this.#releases.next(released, this.replies, isDone);
  }

  /** The worker begins nothing more, since another one takes over. @returns up to where it has */
  handOver(): number {
    Atomics.store(this.control, Word.HandOver, 1);
    return this.#fence();
  }

  /** The worker is given up. @returns up to where it has begun records */
  close(): number {
    Atomics.store(this.control, Word.HandOver, 0);
    return this.#fence();
  }

  #fence(): number {
    this.#taken ??= this.inbound.fence();
    return this.#taken;
  }
}

function makeBlock(arenaBytes: number): RingBlock {
  return {
    inbound: new SharedArrayBuffer(INBOUND_BYTES),
    staging: new ArrayBuffer(INBOUND_BYTES),
    arena: new SharedArrayBuffer(arenaBytes),
    replies: new SharedArrayBuffer(REPLY_BYTES),
  };
}

function makeLocal(arenaBytes: number) {
  return {
    inbound: new ArrayBuffer(INBOUND_BYTES),
    staging: undefined,
    arena: new ArrayBuffer(arenaBytes),
    replies: new ArrayBuffer(REPLY_BYTES),
  };
}
