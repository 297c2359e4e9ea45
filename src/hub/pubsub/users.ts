/** Connections by the user that they belong to: `data.userId` of what the upgrade hook returned. I/O thread. */
import type { Connection } from '../connection/connection.js';
import { memberOf } from '../connection/member.js';

/** The id of a connection's user as text, or undefined. A number is taken for its digits. */
export function userIdOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { userId } = data as { userId?: unknown };
  return typeof userId === 'string' || typeof userId === 'number' ? String(userId) : undefined;
}

export class Users {
  readonly #connections = new Map<string, Set<Connection>>();

  add(connection: Connection): void {
    const userId = userIdOf(connection.data);
    if (userId === undefined) return;
    memberOf(connection).userId = userId;
    const group = this.#connections.get(userId);
    if (group === undefined) this.#connections.set(userId, new Set([connection]));
    else group.add(connection);
  }

  remove(connection: Connection): void {
    // As it was when it entered: the application may have changed `data` since.
    const userId = connection.member?.userId;
    if (userId === undefined) return;
    const group = this.#connections.get(userId)!;
    group.delete(connection);
    if (group.size === 0) this.#connections.delete(userId);
  }

  of(userId: string | number): Iterable<Connection> {
    return this.#connections.get(String(userId)) ?? [];
  }
}
