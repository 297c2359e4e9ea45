/** What handlers ask of the hub, on a connection and on `worker`. Worker thread. */
import type {
  HistoryOptions,
  HistoryResult,
  Position,
  PresenceResult,
  PresenceStats,
  PublishResult,
} from '../../api/broker.js';
import type { CloseUserOptions } from '../../api/close-options.js';
import { describe, HubError } from '../../api/errors.js';
import type { ConnectionPublishOptions, Data, HubAccess } from '../../api/handler.js';
import type { Patterns } from '../../util/patterns.js';
import { checkCloseCode } from '../../wire/close.js';
import * as Flag from '../../wire/flag.js';
import { conflationKey, encodePublish, publicationId, topicName } from '../../wire/publish.js';
import * as Reply from '../../wire/reply-kind.js';
import { toFrame } from '../reply-value.js';
import type { Requests } from './requests.js';

/** What all of a worker have in common. */
export interface HubAccessHost {
  readonly requests: Requests;
  /** Topics are more than the connections of this hub. */
  readonly isShared: boolean;
  /** By topic: true for one with history. */
  readonly topics: Patterns<boolean>;
}

/** What `publish` returns: a hook that returns it has nothing to send. */
export class Publishing implements PromiseLike<Position> {
  readonly #position: Promise<Position>;

  constructor(position: Promise<Position>) {
    this.#position = position;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is to be awaited
  then<A = Position, B = never>(
    onPosition?: ((value: Position) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#position.then(onPosition, onError);
  }
}

/** For a connection, by its place; 0 and 0 is that of none. */
export class Access implements HubAccess {
  readonly slot: number;
  readonly generation: number;
  readonly #access: HubAccessHost;

  constructor(access: HubAccessHost, slot = 0, generation = 0) {
    this.#access = access;
    this.slot = slot;
    this.generation = generation;
  }

  publish(topic: string, data: Data, options: ConnectionPublishOptions = {}): PublishResult {
    const name = this.nameOf(topic);
    const { bytes, isBinary } = toFrame(data);
    const key = conflationKey(name, options.conflate);
    const payload = encodePublish(name, key, options.toSelf === true, bytes);
    const { requests, topics } = this.#access;
    // Also when it is gone itself: the message is for others.
    if (!topics.of(name)) {
      const kind = isBinary ? Reply.Publish | Flag.Binary : Reply.Publish;
      requests.post(this.slot, this.generation, kind, payload);
      return undefined;
    }
    const request = { op: 'publish', isBinary, publishId: publicationId(options.id) } as const;
    return new Publishing(requests.ask(this.slot, this.generation, request, payload));
  }

  history(topic: string, options: HistoryOptions = {}): Promise<HistoryResult> {
    return this.ask({ op: 'history', topic, options });
  }

  presence(topic: string): Promise<PresenceResult> {
    return this.ask({ op: 'presence', topic });
  }

  presenceStats(topic: string): Promise<PresenceStats> {
    return this.ask({ op: 'presenceStats', topic });
  }

  sendToUser(userId: string | number, data: Data): Promise<number> {
    const { bytes, isBinary } = toFrame(data);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
      isBinary ? 'base64' : 'utf8',
    );
    return this.ask({ op: 'sendToUser', userId: userIdOf(userId), data: text, isBinary });
  }

  disconnectUser(userId: string | number, options: CloseUserOptions = {}): Promise<number> {
    if (options.code !== undefined) checkCloseCode(options.code);
    return this.ask({ op: 'disconnectUser', userId: userIdOf(userId), options });
  }

  /** @throws HubError `ERR_TOPIC` */
  protected nameOf(topic: string): string {
    return topicName(topic, this.#access.isShared);
  }

  protected ask<T>(request: Parameters<Requests['ask']>[2]): Promise<T> {
    return this.#access.requests.ask(this.slot, this.generation, request);
  }
}

function userIdOf(userId: unknown): string {
  if (typeof userId === 'string' || typeof userId === 'number') return String(userId);
  throw new HubError('ERR_ARGUMENT', `a user's id is a string or a number, not ${describe(userId)}`);
}
