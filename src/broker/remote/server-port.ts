/** What a broker needs of the server behind it; each engine implements it. I/O thread. Types only. */
import type { Position } from '../../api/broker.js';
import type { HistoryBounds, HistoryRead } from '../broker.js';

/** How topics and channels are called on the server: two never meet in one name. */
export interface ServerNames {
  /** Where plain publications go to. */
  plain(topic: string): string;
  /** Where those of a topic with history come from. */
  live(topic: string, bounds: HistoryBounds): string;
  signal(channel: string): string;
}

/** What a server tells its broker. */
export interface ServerHost {
  /** Id of this node. */
  readonly node: string;
  /** Histories that are going to be needed. */
  readonly histories: readonly HistoryBounds[];
  boundsOf(topic: string): HistoryBounds | undefined;
  /** A publication of another program as a message of this node. */
  wrap(data: Uint8Array): Uint8Array;
  /** It is connected again, and gives what is subscribed. */
  onUp(): void;
  /** @param reason in words, without credentials */
  onDown(reason: string): void;
  /** What the server refuses until somebody changes that, in words with what to change; empty once it does not. */
  onTrouble(trouble: string): void;
  /** Something came that is none of ours. */
  onForeign(): void;
}

export type OnBytes = (bytes: Uint8Array) => void;
export type OnStored = (bytes: Uint8Array, offset: number, previous: number, epoch: string) => void;

/**
 * A server and the connection to it, which it makes again by itself. It keeps no time limits and no bounds: those are the
 * broker's. What a promise of it rejects with is given on in words, so there is no credential in it.
 */
export interface ServerPort {
  /** Of the engine. */
  readonly name: string;
  readonly names: ServerNames;
  /** Bytes of the largest message that it takes. */
  readonly maxMessageBytes: number;
  /** @throws HubError `ERR_BROKER` (rejection) */
  connect(host: ServerHost): Promise<void>;
  /** After what was sent has left, in bounded time. */
  close(timeoutMs: number): Promise<void>;
  /**
   * Resolves once it is in force; it is as soon as the server is there again, also when it rejects. What is subscribed
   * already stays.
   */
  subscribe(name: string, onBytes: OnBytes): Promise<unknown>;
  /** The same for a topic with history. */
  subscribeStored(topic: string, bounds: HistoryBounds, onStored: OnStored): Promise<unknown>;
  unsubscribe(name: string): void;
  /** hot: once per plain publication. @throws Error when there is no connection */
  send(name: string, bytes: Uint8Array): void;
  /** Resolves once the server has all that was sent before. */
  confirm(): Promise<unknown>;
  append(topic: string, bytes: Uint8Array, bounds: HistoryBounds, id: string | undefined): Promise<Position>;
  read(
    topic: string,
    bounds: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead>;
}
