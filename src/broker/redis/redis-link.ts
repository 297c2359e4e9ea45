/** A connection to Redis, as long as it lasts. Types only. */
import type { OnBytes } from '../remote/server-port.js';
import type { RedisAccess } from './access.js';

export type RedisArgument = string | Uint8Array;

export interface RedisLink {
  /** Then topics are on different servers, and channels are too (sharded publish). */
  readonly isCluster: boolean;
  readonly maxMessageBytes: number;
  /** @param key by which a cluster knows the server */
  send(key: string, args: readonly RedisArgument[]): Promise<unknown>;
  subscribe(channel: string, onBytes: OnBytes): Promise<unknown>;
  unsubscribe(channel: string, onBytes: OnBytes): Promise<unknown>;
  /** Asks every connection. */
  ping(): Promise<unknown>;
  /** After what was sent has been answered. */
  close(): Promise<unknown>;
  destroy(): void;
}

export interface LinkNeeds {
  readonly access: RedisAccess;
  /** What the server calls the connection. */
  readonly label: string;
  readonly lineageKey: string;
  /** The link is of no use any more, and closed. */
  readonly onLost: (reason: string) => void;
}
