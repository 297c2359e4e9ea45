/** What the application has to do with a connection, once it has: its user, its topics, its pings. */
import type { HubError } from '../../api/errors.js';
import type { Deque } from '../../util/deque.js';

/** A ping whose pong has not come. */
export interface PendingPing {
  /** Its connection was not read for a part of the time that counts. */
  isHeld: boolean;
  readonly payload: Buffer;
  readonly sentAt: number;
  settle(outcome: number | HubError): void;
}

export class Member {
  /** The user it belongs to. */
  userId: string | undefined = undefined;
  /** What it is subscribed to. */
  topics: Set<string> | undefined = undefined;
  /** Pings that wait for their pongs, oldest first. */
  pings: Deque<PendingPing> | undefined = undefined;
  /** The last measured round trip of a ping, in ms. */
  roundTripMs: number | undefined = undefined;
  /** The connection as the application sees it. */
  handle: unknown = undefined;
}

/** What the registry keeps. */
export interface MemberEntry {
  member: Member | undefined;
}

/** Made when it is first asked for. */
export function memberOf(connection: MemberEntry): Member {
  connection.member ??= new Member();
  return connection.member;
}
