/** What becomes of topics beyond the connections of this process, where there is something. Types only. */
import type { Position } from '../../api/broker.js';
import type { Connection } from '../connection/connection.js';

/** A publication, as it was asked for. */
export interface Outgoing {
  /** Not changed any more by anybody. */
  readonly data: Uint8Array;
  readonly isBinary: boolean;
  readonly key: string | undefined;
  readonly except: ReadonlySet<Connection> | undefined;
  /** Of one with history: a repeat with the same id is none. */
  readonly id: string | undefined;
}

export interface TopicOutlet {
  onSubscribed(connection: Connection, topic: string): void;
  onUnsubscribed(connection: Connection, topic: string): void;
  /** Nobody is to be subscribed any more: also where that is still being made. */
  onUnsubscribing(connection: Connection, topic: string): void;
  /** @returns for how many connections it was queued, or where it is in the history of the topic */
  publish(topic: string, outgoing: Outgoing): number | Promise<Position>;
}
