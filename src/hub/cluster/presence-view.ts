/** Who is subscribed to one topic, as this node knows it: a set for each node, and users over all of them. I/O thread. */
import type { PresenceMember, PresenceStats } from '../../api/broker.js';
import type { MemberEntry } from './signals.js';

export interface PresenceViewHost {
  /** A user's first connection anywhere. */
  onJoin(topic: string, userId: string): void;
  /** The last one is gone. */
  onLeave(topic: string, userId: string): void;
}

interface NodeMembers {
  seq: number;
  readonly members: Map<string, string | null>;
}

export class PresenceView {
  readonly topic: string;
  readonly #host: PresenceViewHost;
  readonly #nodes = new Map<string, NodeMembers>();
  /** What has come of a whole that is told in parts. */
  readonly #parts = new Map<string, MemberEntry[]>();
  /** Connections of each user. */
  readonly #users = new Map<string, number>();
  /** Nodes that were there before this view was: their members have not joined just now. */
  readonly #before: Set<string>;
  #anonymous = 0;

  constructor(topic: string, before: readonly string[], host: PresenceViewHost) {
    this.topic = topic;
    this.#before = new Set(before);
    this.#host = host;
  }

  /** True when all members of a node are known. */
  knows(node: string): boolean {
    return this.#nodes.has(node);
  }

  /** How far a node is known; undefined when it is not. */
  seqOf(node: string): number | undefined {
    return this.#nodes.get(node)?.seq;
  }

  has(node: string, connection: string): boolean {
    return this.#nodes.get(node)?.members.has(connection) ?? false;
  }

  add(node: string, connection: string, userId: string | null, isSilent = false): void {
    const { members } = this.#of(node);
    if (members.has(connection)) return;
    members.set(connection, userId);
    if (userId === null) this.#anonymous++;
    else {
      const count = this.#users.get(userId) ?? 0;
      this.#users.set(userId, count + 1);
      if (count === 0 && !isSilent) this.#host.onJoin(this.topic, userId);
    }
  }

  remove(node: string, connection: string): void {
    const members = this.#nodes.get(node)?.members;
    const userId = members?.get(connection);
    if (userId === undefined || !members!.delete(connection)) return;
    if (userId === null) {
      this.#anonymous--;
      return;
    }
    const count = this.#users.get(userId)! - 1;
    if (count > 0) this.#users.set(userId, count);
    else {
      this.#users.delete(userId);
      this.#host.onLeave(this.topic, userId);
    }
  }

  /** A node's change. False when one before it was missed. */
  apply(node: string, seq: number, joined: readonly MemberEntry[], left: readonly string[]): boolean {
    const own = this.#nodes.get(node);
    if (own === undefined || seq > own.seq + 1) return false;
    if (seq <= own.seq) return true;
    own.seq = seq;
    for (const [connection, userId] of joined) this.add(node, connection, userId);
    for (const connection of left) this.remove(node, connection);
    return true;
  }

  /** All members of a node, in parts. */
  replace(node: string, seq: number, members: readonly MemberEntry[], isLast: boolean): void {
    const parts = [...(this.#parts.get(node) ?? []), ...members];
    if (!isLast) {
      this.#parts.set(node, parts);
      return;
    }
    this.#parts.delete(node);
    const own = this.#of(node);
    if (seq < own.seq) return;
    const isSilent = this.#before.delete(node);
    const all = new Map(parts);
    own.seq = seq;
    // Those who come first: nobody leaves who is there by another connection.
    for (const [connection, userId] of all) this.add(node, connection, userId, isSilent);
    for (const connection of [...own.members.keys()]) if (!all.has(connection)) this.remove(node, connection);
  }

  forget(node: string): void {
    for (const connection of [...(this.#nodes.get(node)?.members.keys() ?? [])])
      this.remove(node, connection);
    this.#nodes.delete(node);
  }

  membersOf(node: string): MemberEntry[] {
    return [...(this.#nodes.get(node)?.members ?? [])];
  }

  members(): PresenceMember[] {
    const users = new Map<string, { userId: string; connections: { id: string; node: string }[] }>();
    const anonymous: PresenceMember[] = [];
    for (const [node, { members }] of this.#nodes)
      for (const [id, userId] of members) {
        if (userId === null) {
          anonymous.push({ userId, connections: [{ id, node }] });
          continue;
        }
        const member = users.get(userId) ?? { userId, connections: [] };
        member.connections.push({ id, node });
        users.set(userId, member);
      }
    return [...users.values(), ...anonymous];
  }

  stats(): Omit<PresenceStats, 'missingNodes'> {
    let connections = 0;
    for (const { members } of this.#nodes.values()) connections += members.size;
    return { users: this.#users.size + this.#anonymous, connections };
  }

  #of(node: string): NodeMembers {
    let own = this.#nodes.get(node);
    if (own === undefined) {
      own = { seq: 0, members: new Map() };
      this.#nodes.set(node, own);
    }
    return own;
  }
}
