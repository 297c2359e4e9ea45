/** How topics and channels are named on a NATS server. Two names never meet in one subject. */
import type { HistoryBounds } from '../broker.js';
import type { ServerNames } from '../remote/server-port.js';
import { DEFAULT_PREFIX } from '../settings.js';

/** Of what lies below: another version of it has subjects and streams of its own. */
const LAYOUT = 1;

/** One token, from any text: what subjects give a meaning to is escaped, as everything that is not ASCII. */
function token(text: string): string {
  return encodeURIComponent(text).replaceAll(/[.*]/g, (character) => (character === '.' ? '%2E' : '%2A'));
}

export class Subjects implements ServerNames {
  readonly #root: string;
  readonly #stream: string;

  /** @param prefix of all clusters on a server, to tell them apart */
  constructor(prefix = DEFAULT_PREFIX) {
    this.#root = `${prefix}.${LAYOUT}`;
    this.#stream = `${prefix}-${LAYOUT}`;
  }

  plain(topic: string): string {
    return `${this.#root}.p.${token(topic)}`;
  }

  signal(channel: string): string {
    return `${this.#root}.s.${token(channel)}`;
  }

  /** Where a publication with history goes to. */
  stored(topic: string, bounds: HistoryBounds): string {
    return `${this.#root}.h.${classOf(bounds)}.${token(topic)}`;
  }

  live(topic: string, bounds: HistoryBounds): string {
    return `${this.#root}.l.${classOf(bounds)}.${token(topic)}`;
  }

  /** The stream of all topics whose history has these bounds: NATS bounds streams, not subjects. */
  stream(bounds: HistoryBounds): string {
    return `${this.#stream}-${classOf(bounds)}`;
  }

  allStored(bounds: HistoryBounds): string {
    return `${this.#root}.h.${classOf(bounds)}.>`;
  }

  allLive(bounds: HistoryBounds): string {
    return `${this.#root}.l.${classOf(bounds)}.>`;
  }

  /** As NATS takes it for its check of repeats, which is one for the whole stream. */
  id(topic: string, id: string): string {
    return `${token(topic)}.${token(id)}`;
  }
}

export function classOf({ size, ttlMs }: HistoryBounds): string {
  return `${size}-${ttlMs}`;
}
