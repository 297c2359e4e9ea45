/** What the admin listener needs of its hub. Types only. */
import type { Position, PresenceResult } from '../../api/broker.js';
import type { Payload } from '../../api/payload.js';
import type { ReloadOptions } from '../../api/reload.js';
import type { ConnectionState } from '../connection/connection-state.js';

/** A connection as an administrator sees it. */
export interface AdminConnection {
  readonly id: string;
  readonly slot: number;
  readonly state: ConnectionState;
  readonly isVirtual: boolean;
  readonly remoteAddress: string;
  readonly route: { readonly path: string };
  readonly shard: { readonly index: number };
  readonly openedAt: number;
  readonly inFlight: number;
  readonly inFlightBytes: number;
  /** Of these, how many are in the ring or in the worker; the rest waits behind them. */
  readonly inRing: number;
  readonly bufferedBytes: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly member:
    | {
        readonly userId: string | undefined;
        readonly topics: ReadonlySet<string> | undefined;
        readonly roundTripMs: number | undefined;
      }
    | undefined;
  closeAfterQueue(code: number, reason: string): void;
}

export interface AdminHost {
  /** All in the table, in its order. */
  connections(): Iterable<AdminConnection>;
  stats(): unknown;
  metrics(): string;
  /** A sentence, when the hub is not ready. */
  unready(): string | undefined;
  topics(): Map<string, number>;
  /**
   * @returns for how many it was queued, or its position in the history
   * @throws HubError for a topic that is none
   */
  publish(topic: string, data: Payload): number | Promise<Position>;
  broadcast(data: Payload): number;
  drain(timeoutMs: number | undefined): void;
  /** What each shard runs. */
  handlers(): readonly object[];
  /** @throws HubError when it cannot, or the new version is no good */
  reload(options: ReloadOptions): Promise<object>;
  resize(workers: number): Promise<object>;
  /** The thread of a shard's worker; undefined without one. */
  threadOf(shard: number): number | undefined;
  /** @throws HubError `ERR_ARGUMENT` for a topic without presence, `ERR_TOPIC` (rejections) */
  presence(topic: string): Promise<PresenceResult>;
  logLevel(): string | undefined;
  /** @throws HubError when the level is none, or the logger cannot change it */
  setLogLevel(level: string): void;
  /** Something was changed, or tried: by whom. */
  onChange(what: string, details: object): void;
  onError(error: unknown): void;
}
