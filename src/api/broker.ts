/** What crosses between hubs, as applications see it: positions, history, presence, nodes. */
import type { Payload } from './payload.js';

/** A place in a topic's history. Positions of different epochs cannot be compared. */
export interface Position {
  /** Of the last publication up to here; 0 before the first. Offsets increase, and may leave numbers out. */
  readonly offset: number;
  /** Which history it is a place in: changes when that is lost and begun again. */
  readonly epoch: string;
}

/** One publication of a topic with history. */
export interface Publication {
  /** Its place. */
  readonly offset: number;
  /** A string for a text frame, bytes for a binary one. */
  readonly data: Exclude<Payload, ArrayBuffer>;
}

/** What `publish` of a handler gives, to be awaited: the position; undefined for a topic without history. */
export type PublishResult = PromiseLike<Position> | undefined;

/** Where a subscription begins. */
export interface SubscribeOptions {
  /** The last position that the subscriber has seen: what came after it is sent first. Without it, it begins now. */
  readonly since?: Position;
  /** Give what was missed to the handler (`publications`) instead of sending it. Default: false. */
  readonly take?: boolean;
}

/** How a subscription of a topic with history began. */
export interface SubscribeResult extends Position {
  /**
   * True when nothing after `since` is missing: what came in between is queued for the connection, and live publications
   * follow without a gap or a repeat. False when it could not be recovered: the subscriber has to begin anew, from here.
   */
  readonly recovered: boolean;
  /** How many were missed. */
  readonly missed: number;
  /** What was missed, with `take`; else empty. */
  readonly publications: readonly Publication[];
}

/** What a subscribed connection has missed for good, and where the topic goes on: `offset` and `epoch`. */
export interface TopicLoss extends Position {
  /** Its name. */
  readonly topic: string;
  /** The last position up to which it had been sent everything. */
  readonly since: Position;
}

/** Which part of a history is meant. */
export interface HistoryOptions {
  /** Those after this position, oldest first. Without it, or with one of another epoch: the newest. */
  readonly since?: Position;
  /** At most so many, from 1 to 10,000. Default: 100. */
  readonly limit?: number;
}

/** A part of a topic's history, and where the topic is: `offset` and `epoch`. */
export interface HistoryResult extends Position {
  /** Oldest first. */
  readonly publications: readonly Publication[];
  /** False when something between `since` and the first of them is not kept any more, or it is not known. */
  readonly recovered: boolean;
  /** True when there are more behind the last of them. */
  readonly hasMore: boolean;
}

/** A connection that is subscribed to a topic with presence. */
export interface PresenceConnection {
  /** Its id on its node. */
  readonly id: string;
  /** The id of its node. */
  readonly node: string;
}

/** A user who is there, with at least one connection. */
export interface PresenceMember {
  /** `data.userId` of its connections; null for one without. */
  readonly userId: string | null;
  /** All of them, wherever they are. */
  readonly connections: readonly PresenceConnection[];
}

/** Who is subscribed to a topic, as far as this node knows. */
export interface PresenceResult {
  /** One for each user, and one for each connection without one. */
  readonly members: readonly PresenceMember[];
  /** Ids of nodes that are there and have not told theirs. */
  readonly missingNodes: readonly string[];
}

/** How many are subscribed to a topic, as far as this node knows. */
export interface PresenceStats {
  /** Users, and connections without one. */
  readonly users: number;
  /** Connections. */
  readonly connections: number;
  /** Ids of nodes that are there and have not told theirs. */
  readonly missingNodes: readonly string[];
}

/** One hub of the cluster. */
export interface ClusterNode {
  /** Made anew each time that the hub starts. */
  readonly id: string;
  /** The option `nodeName`. */
  readonly name: string;
  /** Of the package. */
  readonly version: string;
  /** Open WebSockets, as it last said. */
  readonly connections: number;
  /** When it was started, in ms since 1970 by its own clock. */
  readonly startedAt: number;
  /** How long ago it was last heard of, in ms; 0 for this one. */
  readonly lastSeenMs: number;
}

/** The hubs that are connected by the same broker. */
export interface Nodes {
  /** Those that are there; this one first. */
  nodes(): ClusterNode[];
}

/**
 * Where a {@link HubBroker} keeps what makes it.
 *
 * @internal
 */
export const MAKE_BROKER: unique symbol = Symbol.for('shardhub.broker');

/**
 * What `natsBroker` of `shardhub/nats` and `redisBroker` of `shardhub/redis` make, for the option `broker`. It connects when its
 * hub starts, and may be given to several.
 */
export interface HubBroker {
  /** Of the engine: nats or redis. */
  readonly name: string;
  /** @internal */
  readonly [MAKE_BROKER]: () => unknown;
}
