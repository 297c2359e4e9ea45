/** Makes the threads of shards, and knows which of them could not be ended. I/O thread. */
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import type { WorkerLink } from '../dispatch/worker-link.js';
import { LocalLink } from './local-link.js';
import { PiscinaLink, type PiscinaLinkHost } from './piscina-links.js';
import type { Version } from './version.js';

/** Threads of a shard that may be left behind at a time, each with its rings: with more, the shard rests. */
const MAX_ABANDONED = 4;

export class Links {
  readonly #log: Log;
  readonly #counters: Counters;
  /** By shard. */
  readonly #abandoned: PiscinaLink[][] = [];

  constructor(log: Log, counters: Counters) {
    this.#log = log;
    this.#counters = counters;
  }

  make(shard: number, version: Version): WorkerLink {
    if (version.settings.workers === 0) return new LocalLink(version.handlers, version.settings);
    const host: PiscinaLinkHost = {
      onAbandoned: () => {
        this.#abandoned[shard] = [...this.#leftBehind(shard), link];
        const message =
          'a worker thread cannot be ended, and is left behind: it is in native code or at a breakpoint';
        this.#log.error({ shard }, message);
      },
      onOutputDropped: () => {
        this.#counters.logLinesDropped++;
      },
    };
    const link = new PiscinaLink(shard, version, host);
    return link;
  }

  /** False while too many threads of the shard are left behind. */
  mayMake(shard: number): boolean {
    return this.#leftBehind(shard).length < MAX_ABANDONED;
  }

  #leftBehind(shard: number): PiscinaLink[] {
    return this.#abandoned[shard]?.filter(({ isAbandoned }) => isAbandoned) ?? [];
  }
}
