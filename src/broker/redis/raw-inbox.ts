/**
 * What other programs publish on topics with history: entries of one stream, from where they go into the histories, each by
 * a script that takes it from the one and puts it into the other. So it is in the history once, however many nodes try, and
 * a node that dies has done it or has not. One node at a time looks, so that not all are given everything. I/O thread.
 */
import type { HistoryBounds } from '../broker.js';

/** An entry as other programs add it. */
export interface RawEntry {
  readonly id: string;
  readonly fields: readonly Uint8Array[];
}

export interface RawInboxHost {
  /** The oldest entries; undefined while another node looks. */
  takeRaw(leaseMs: number, limit: number): Promise<readonly RawEntry[] | undefined>;
  boundsOf(topic: string): HistoryBounds | undefined;
  /** Into the history, and out of the stream. */
  moveRaw(id: string, topic: string, data: Uint8Array, bounds: HistoryBounds): Promise<unknown>;
  /** It can be no publication. */
  dropRaw(id: string): Promise<unknown>;
}

/** A node that says nothing for so long is followed by another one. */
const LEASE_MS = 3000;
/** Whoever does not look asks so often whether it is to. */
const ASK_MS = 1000;
/** How often an empty stream is looked at: 0.11 ms of CPU each time, so 0.6 % of a core. Blocking would take a connection for itself. */
const LOOK_MS = 20;
const ENTRIES = 100;

export class RawInbox {
  readonly #host: RawInboxHost;
  /** Of the connection at hand; undefined without one. */
  #run: symbol | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: RawInboxHost) {
    this.#host = host;
  }

  start(): void {
    this.#run = Symbol('run');
    void this.#look(this.#run);
  }

  stop(): void {
    this.#run = undefined;
    clearTimeout(this.#timer);
  }

  async #look(run: symbol): Promise<void> {
    // What fails is there still, and is tried again.
    const waitMs = await this.#moveAll(run).catch(() => ASK_MS);
    if (run === this.#run) this.#timer = setTimeout(() => void this.#look(run), waitMs);
  }

  /** @returns how long there is nothing to do, in ms */
  async #moveAll(run: symbol): Promise<number> {
    const entries = await this.#host.takeRaw(LEASE_MS, ENTRIES);
    if (entries === undefined) return ASK_MS;
    // From the answer on: one that took long would never be worked on otherwise.
    const since = performance.now();
    // One after the other: they are in order, for whoever else may have taken over meanwhile too.
    for (const entry of entries) {
      // To look again is what renews the lease, of which half is left at least.
      if (run !== this.#run || performance.now() - since > LEASE_MS / 2) break;
      await this.#move(entry);
    }
    return entries.length === 0 ? LOOK_MS : 0;
  }

  #move({ id, fields }: RawEntry): Promise<unknown> {
    const topic = fieldOf(fields, 'topic');
    const data = fieldOf(fields, 'data');
    const name = topic === undefined ? '' : Buffer.from(topic).toString();
    const bounds = this.#host.boundsOf(name);
    if (data === undefined || bounds === undefined) return this.#host.dropRaw(id);
    return this.#host.moveRaw(id, name, data, bounds);
  }
}

function fieldOf(fields: readonly Uint8Array[], name: string): Uint8Array | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2)
    if (Buffer.from(fields[i]!).toString() === name) return fields[i + 1];
  return undefined;
}
