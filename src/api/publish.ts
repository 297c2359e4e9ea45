/** How messages are published, and whom the application means. */
import type { HubConnection } from './connection.js';

/** How a message is published. */
export interface PublishOptions {
  /**
   * For a topic with history: the same publication again, because the first was not answered, is none. 1 to 200 bytes, of
   * the topic; remembered for two minutes.
   */
  readonly id?: string;
  /**
   * For feeds where only the newest value counts: a subscriber that does not keep up is sent the newest message only.
   * `true`: of this topic; a string: of this topic and key. Default: every message is kept.
   */
  readonly conflate?: boolean | string;
}

/** Who does not get a message: connections, or their ids. */
export type Except = HubConnection | string | Iterable<HubConnection | string>;

/** How the hub publishes. */
export interface HubPublishOptions extends PublishOptions {
  /** Subscribers that do not get the message. Default: everybody gets it. */
  readonly except?: Except;
}

/** Which connections are meant; all of the conditions hold. */
export interface ConnectionFilter<Data = unknown> {
  /** Subscribed to this topic. */
  readonly topic?: string;
  /** Of this user. */
  readonly userId?: string | number;
  /** Connected on this path. */
  readonly path?: string;
  /** Any other condition. */
  readonly where?: (connection: HubConnection<Data>) => boolean;
}
