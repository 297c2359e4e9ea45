/** Subscriptions that begin at a position. I/O thread. */
import type { Position, SubscribeOptions, SubscribeResult } from '../../api/broker.js';
import { describe, HubError } from '../../api/errors.js';
import type { Connection } from '../connection/connection.js';
import { toPublication } from './frame.js';
import type { Splice } from './stream.js';
import type { Streams } from './streams.js';

const MAX_LIMIT = 10_000;

export interface ResumptionsHost {
  isSubscribed(connection: Connection, topic: string): boolean;
  subscribe(connection: Connection, topic: string): boolean;
  unsubscribe(connection: Connection, topic: string): boolean;
}

export class Resumptions {
  readonly #streams: Streams;
  readonly #host: ResumptionsHost;
  /** The one that is being made, by connection and topic. */
  readonly #current = new Map<string, symbol>();

  constructor(streams: Streams, host: ResumptionsHost) {
    this.#streams = streams;
    this.#host = host;
  }

  /**
   * @throws HubError `ERR_BROKER_UNAVAILABLE`; `ERR_CONNECTION_CLOSED` when the connection went meanwhile, or changed its mind
   * (rejections)
   */
  async subscribe(
    connection: Connection,
    topic: string,
    { since, take = false }: SubscribeOptions,
  ): Promise<SubscribeResult> {
    // What comes by a subscription that is there already would be in between.
    if (this.#host.isSubscribed(connection, topic)) this.#host.unsubscribe(connection, topic);
    const key = keyOf(connection, topic);
    const own = Symbol(key);
    this.#current.set(key, own);
    let result: SubscribeResult | undefined;
    const splice: Splice = (missed, position) => {
      if (this.#current.get(key) !== own || !this.#host.subscribe(connection, topic)) return;
      if (!take) for (const { frame } of missed ?? []) connection.post(frame);
      const taken = take ? (missed ?? []) : [];
      result = {
        ...position,
        recovered: missed !== undefined,
        missed: missed?.length ?? 0,
        publications: taken.map(({ publication }) => toPublication(publication.offset, publication.message)),
      };
    };
    try {
      await this.#streams.resume(topic, since, splice);
    } finally {
      if (this.#current.get(key) === own) this.#current.delete(key);
    }
    if (result !== undefined) return result;
    const text = `the connection ended, or unsubscribed, before it was subscribed to ${describe(topic)}`;
    throw new HubError('ERR_CONNECTION_CLOSED', text);
  }

  /** The connection is not to be subscribed any more. */
  cancel(connection: Connection, topic: string): void {
    if (this.#current.size > 0) this.#current.delete(keyOf(connection, topic));
  }
}

/** @throws HubError `ERR_ARGUMENT` for anything but a position or undefined */
export function checkPosition(position: Position | undefined): Position | undefined {
  if (position === undefined) return undefined;
  const { offset, epoch } = (position ?? {}) as Partial<Position>;
  if (Number.isSafeInteger(offset) && offset! >= 0 && typeof epoch === 'string')
    return { offset: offset!, epoch };
  const takes = 'takes a position: offset (an integer from 0) and epoch (a string)';
  throw new HubError('ERR_ARGUMENT', `since got ${describe(position)} but ${takes}`);
}

/** Publications that are read at once. @throws HubError `ERR_ARGUMENT` */
export function checkLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  const text = `limit got ${describe(limit)} but takes an integer from 1 to ${MAX_LIMIT}`;
  throw new HubError('ERR_ARGUMENT', text);
}

function keyOf(connection: Connection, topic: string): string {
  return `${connection.id} ${topic}`;
}
