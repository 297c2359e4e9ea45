/**
 * The I/O thread's turn: after all sockets of a poll phase have been read, hand what they said to the workers and
 * apply what the workers answered. One for all shards of a hub.
 */
import type { Spinner } from '../../util/spinner.js';
import type { Connection } from '../connection/connection.js';
import type { FlushEntry } from '../connection/connection-record.js';
import type { Shard } from './shard.js';
import type { SpinGate } from './spin-gate.js';

/**
 * A worker that is at work rings for what it has finished between two messages only, and the next one may take long: so
 * often its replies are looked for meanwhile. A nearer timer would cost every sleep of the I/O thread some µs.
 */
const LOOK_MS = 20;
/** A turn works at most so long on replies; the rest is for the next turn, after sockets had theirs. */
const TURN_MS = 3;

export class Turn {
  /** How many turns there have been. */
  count = 0;
  readonly #shards: readonly Shard[];
  readonly #spinner: Spinner;
  readonly #gate: SpinGate;
  readonly #relieve: () => void;
  #flushing: (Connection & FlushEntry)[] = [];
  #isScheduled = false;
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined;
  /** The shard that is served first: another one each turn. */
  #first = 0;

  /**
   * @param spinner looks for replies before they are slept for
   * @param gate whether it may
   * @param relieve called at the end of each turn, when nothing is corked
   */
  constructor(shards: readonly Shard[], spinner: Spinner, gate: SpinGate, relieve: () => void) {
    this.#shards = shards;
    this.#spinner = spinner;
    this.#gate = gate;
    this.#relieve = relieve;
  }

  /** Runs a turn at the end of the current poll phase. */
  schedule(): void {
    if (this.#isScheduled || this.#isRunning) {
      this.#isScheduled = true;
      return;
    }
    this.#isScheduled = true;
    // The turn is going to look: no worker has to ring.
    for (const shard of this.#shards) shard.stayAwake();
    setImmediate(this.#run);
  }

  /** Sends a connection's queue in the next turn. */
  flushSoon(connection: Connection & FlushEntry): void {
    if (connection.isFlushListed) return;
    connection.isFlushListed = true;
    this.#flushing.push(connection);
    this.schedule();
  }

  readonly #run = (): void => {
    this.#isScheduled = false;
    this.#isRunning = true;
    this.count++;
    let isDone = false;
    try {
      isDone = this.#work();
    } finally {
      // A listener of the user's may throw: the next turn goes on where this one stopped.
      this.#isRunning = false;
      if (!isDone || this.#isScheduled) {
        this.#isScheduled = true;
        setImmediate(this.#run);
      }
    }
  };

  /** False when there is more to do. */
  #work(): boolean {
    const shards = this.#shards;
    const deadline = performance.now() + TURN_MS;
    this.#first = (this.#first + 1) % Math.max(1, shards.length);
    for (const shard of shards) {
      shard.stayAwake();
      shard.flush();
    }
    this.#flushQueues(deadline);
    let isDone = true;
    for (let i = 0; i < shards.length; i++) {
      const shard = shards[(this.#first + i) % shards.length]!;
      if (!shard.apply(deadline)) isDone = false;
      // Replies make room for what waits.
      shard.flush();
    }
    this.#relieve();
    if (isDone && this.#spin()) return false;
    for (const shard of shards) if (!shard.park()) isDone = false;
    if (isDone) this.#lookLater();
    return isDone;
  }

  #lookLater(): void {
    if (this.#timer === undefined && this.#shards.some((shard) => shard.isAtWork))
      this.#timer = setTimeout(this.#look, LOOK_MS).unref();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#shards.some((shard) => shard.hasReplies)) this.schedule();
    else this.#lookLater();
  };

  /** Looks for replies in a loop: what comes soon needs no doorbell. True when some came. */
  #spin(): boolean {
    let inFlight = 0;
    for (const shard of this.#shards) inFlight += shard.inFlight;
    if (inFlight === 0) return false;
    this.#gate.update(inFlight);
    return this.#spinner.look(this.#hasReplies);
  }

  readonly #hasReplies = (): boolean => {
    for (const shard of this.#shards) if (shard.hasReplies) return true;
    return false;
  };

  #flushQueues(deadline: number): void {
    const connections = this.#flushing;
    if (connections.length === 0) return;
    this.#flushing = [];
    for (let i = 0; i < connections.length; i++) {
      const connection = connections[i]!;
      connection.isFlushListed = false;
      connection.flush();
      if (performance.now() < deadline) continue;
      // Who waited longest goes first in the next turn.
      const left = connections.slice(i + 1);
      this.#flushing = left.concat(this.#flushing);
      if (left.length > 0) this.schedule();
      return;
    }
  }
}
