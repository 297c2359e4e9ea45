/** How much one connection may have in the ring and in the worker: another's message waits behind no more. I/O thread. */
import type { InboundEntry } from '../connection/connection-record.js';

/** As many records as are worked on in about so many ms, within these bounds. */
const SHARE_MS = 20;
const MIN_SHARE = 4;
const MAX_SHARE = 1024;
/** The share until something is known of the handler. */
const FIRST_SHARE = 128;
/** The same in bytes. One record always may. */
const SHARE_BYTES = 1024 * 1024;

export class Share {
  readonly #min: number;
  #records: number;

  /** @param concurrency messages of one connection that its worker works on at a time */
  constructor(concurrency: number) {
    // As many again may have finished behind one that has not.
    this.#min = concurrency === 1 ? MIN_SHARE : Math.max(MIN_SHARE, 2 * concurrency);
    this.#records = Math.max(FIRST_SHARE, this.#min);
  }

  /** What a record costs the worker, in ms: slow handlers get small shares. */
  setCost(ms: number): void {
    this.#records = Math.max(this.#min, Math.min(MAX_SHARE, Math.round(SHARE_MS / ms)));
  }

  /** True when a connection may have no more there. hot */
  isUsed(connection: Readonly<InboundEntry>): boolean {
    return connection.inRing >= this.#records || connection.inRingBytes >= SHARE_BYTES;
  }
}
