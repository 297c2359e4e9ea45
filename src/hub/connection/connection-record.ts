/**
 * What the parts around a connection keep of it: one struct for speed, and one writer for each field. A field is read-only
 * to everybody but its owner, who takes the connection as one of the interfaces below. I/O thread.
 */
import { RECORD_OVERHEAD } from '../../telemetry/counters.js';
import { connectionId } from '../../wire/id.js';
import type { Backlog } from './backlog.js';
import type { ConnectionOrigin, MessageSink } from './connection-host.js';
import { ConnectionState } from './connection-state.js';
import type { Member, MemberEntry } from './member.js';

/** What the shard's inbound queue keeps. */
export interface InboundEntry {
  inFlight: number;
  inFlightBytes: number;
  inRing: number;
  inRingBytes: number;
  knownTo: number;
  suspended: Uint8Array | undefined;
  isOpening: boolean;
  backlog: Backlog | undefined;
  held: Backlog | undefined;
  isListed: boolean;
  isLeaving: boolean;
}

/** What the shard keeps. */
export interface CreditEntry {
  wantsCredit: boolean;
}

/** What changes when a connection goes to another shard. */
export interface ShardEntry<C> {
  shard: MessageSink<C>;
}

/** What the turn keeps. */
export interface FlushEntry {
  isFlushListed: boolean;
}

export abstract class ConnectionRecord<C>
  implements Readonly<InboundEntry & CreditEntry & FlushEntry & MemberEntry>
{
  readonly slot: number;
  readonly generation: number;
  readonly shard: MessageSink<C>;
  readonly request: string;
  readonly data: unknown;
  readonly remoteAddress: string;
  readonly route: ConnectionOrigin<C>['route'];
  readonly affinity: string | undefined;
  readonly isVirtual: boolean;
  /** In whole ms of `performance.now()`, which take no memory of their own. */
  readonly openedAt = Math.round(performance.now());
  /** Written by the connection itself. */
  protected currentState: ConnectionState = ConnectionState.Open;

  // Of the inbound queue

  /** Records that have been accepted and not finished, and their bytes. */
  readonly inFlight: number = 0;
  readonly inFlightBytes: number = 0;
  /** How many of them are in the ring or in the worker. */
  readonly inRing: number = 0;
  readonly inRingBytes: number = 0;
  /** Which life of the shard's worker knows the connection, or one of `KnownTo`. */
  readonly knownTo: number = 0;
  /** What the worker before has kept of it, until the next one is told. */
  readonly suspended: Uint8Array | undefined = undefined;
  /** True while its `Open` record has not finished. */
  readonly isOpening: boolean = false;
  /** What waits to enter the ring. */
  readonly backlog: Backlog | undefined = undefined;
  /** Copies of what waits in the worker behind another record of this connection. */
  readonly held: Backlog | undefined = undefined;
  /** True while the shard has it on its list of connections with a backlog. */
  readonly isListed: boolean = false;
  /** True once what it has in flight is counted as leaving. */
  readonly isLeaving: boolean = false;

  /** Of the connection itself: its messages are not processed any more, since it was closed for a fault or by its handler. */
  protected cut = false;
  /** Of the shard: its worker waits to hear that there is room for more. */
  readonly wantsCredit: boolean = false;
  /** Of the turn: it waits to be flushed. */
  readonly isFlushListed: boolean = false;
  /** Of the registry: what the application has to do with it, if anything. */
  readonly member: Member | undefined = undefined;

  constructor(origin: ConnectionOrigin<C>) {
    this.slot = origin.slot;
    this.generation = origin.generation;
    this.shard = origin.shard;
    this.request = origin.request;
    this.data = origin.data;
    this.remoteAddress = origin.remoteAddress;
    this.route = origin.route;
    this.isVirtual = origin.isVirtual;
    this.affinity = origin.affinity;
  }

  get state(): ConnectionState {
    return this.currentState;
  }

  get isOpen(): boolean {
    return this.currentState === ConnectionState.Open;
  }

  get isGone(): boolean {
    return this.currentState === ConnectionState.Gone;
  }

  get isCut(): boolean {
    return this.cut;
  }

  get id(): string {
    return connectionId(this.slot, this.generation);
  }

  /** Bytes in flight, with what each message costs beside its own. */
  get inFlightWeight(): number {
    return this.inFlightBytes + this.inFlight * RECORD_OVERHEAD;
  }
}
