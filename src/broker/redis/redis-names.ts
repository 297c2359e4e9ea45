/**
 * How topics and channels are called on a Redis server. What belongs to a topic has the same hash tag (`{…}`), so that a
 * cluster keeps it on one server, where a script can have all of it.
 */
import type { ServerNames } from '../remote/server-port.js';
import { DEFAULT_PREFIX } from '../settings.js';

/** Of what lies below, and of the scripts: another version of them has names of its own. */
const LAYOUT = 1;

export class RedisNames implements ServerNames {
  readonly #root: string;

  /** @param prefix of all clusters of hubs on a server, to tell them apart */
  constructor(prefix = DEFAULT_PREFIX) {
    this.#root = `${prefix}:${LAYOUT}`;
  }

  /** Of the whole server: which history its histories are part of. */
  get lineage(): string {
    return `${this.#root}:lineage`;
  }

  plain(topic: string): string {
    return `${this.#topic(topic)}:p`;
  }

  live(topic: string): string {
    return `${this.#topic(topic)}:l`;
  }

  signal(channel: string): string {
    return `${this.#topic(channel)}:s`;
  }

  /** Key of what is known of a topic with history: epoch, last offset. */
  meta(topic: string): string {
    return `${this.#topic(topic)}:m`;
  }

  /** Key of what is kept of it. */
  history(topic: string): string {
    return `${this.#topic(topic)}:h`;
  }

  /** Key that is there for as long as the id of a publication is remembered. */
  id(topic: string, id: string): string {
    return `${this.#topic(topic)}:i:${id}`;
  }

  /** Key of the stream that other programs add to. */
  get raw(): string {
    return `${this.#root}:{raw}`;
  }

  /** Key that tells which node looks at it. */
  get rawReader(): string {
    return `${this.raw}:by`;
  }

  /** Braces, which end a hash tag, are escaped with the rest. */
  #topic(topic: string): string {
    return `${this.#root}:{${encodeURIComponent(topic)}}`;
  }
}
