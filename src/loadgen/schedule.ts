/** The open loop: sends every message when it is due, late ones as soon as possible, and none before. */
import type { Connection } from './connection.js';
import { DueTimes } from './times.js';

/** A message that leaves later than this after it was due counts as late. */
export const LATE_MS = 1;
/** Timers have a resolution of 1 ms: nearer than this, the event loop turns instead of sleeping. */
const SPIN_MS = 2;
/** Node.js takes a longer one for 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Schedule {
  /** Messages that left late. */
  lateSends = 0;
  sends = 0;
  /** Time in ms that turns of the event loop took which had nothing to do: idle in all but name. */
  idleMs = 0;
  readonly #connections: readonly Connection[];
  readonly #dueTimes: DueTimes[];
  readonly #countReceived: () => number;
  #cursor = 0;
  #stopped = false;
  #turnAt = 0;
  #receivedBefore = 0;

  /**
   * @param connections those of this thread, out of `total`
   * @param startAt when message 0 of connection 0 is due
   */
  constructor(
    connections: readonly Connection[],
    total: number,
    rate: number,
    startAt: number,
    countReceived: () => number,
  ) {
    this.#connections = connections;
    this.#countReceived = countReceived;
    const gapMs = 1000 / rate;
    this.#dueTimes = connections.map(({ id }) => new DueTimes(startAt + id * gapMs, total * gapMs));
    for (const [i, connection] of connections.entries()) connection.times = this.#dueTimes[i]!;
  }

  start(): void {
    this.#wait();
  }

  /** Sends what is due by now, however late the thread is, and then nothing more. */
  finish(): void {
    this.#sendDue(performance.now());
    this.#stopped = true;
  }

  stop(): void {
    this.#stopped = true;
  }

  #wait(): void {
    if (this.#stopped) return;
    const nextAt = this.#dueTimes[this.#cursor]!.of(this.#connections[this.#cursor]!.echoes.sent);
    const now = performance.now();
    if (nextAt - now > SPIN_MS)
      setTimeout(() => this.#wait(), Math.min(MAX_TIMER_MS, Math.floor(nextAt - now - 1)));
    else {
      this.#turnAt = now;
      this.#receivedBefore = this.#countReceived();
      setImmediate(() => this.#turn());
    }
  }

  // hot: once per turn of the event loop
  #turn(): void {
    if (this.#stopped) return;
    const now = performance.now();
    const hasSent = this.#sendDue(now);
    if (!hasSent && this.#countReceived() === this.#receivedBefore) this.idleMs += now - this.#turnAt;
    this.#wait();
  }

  /** Connections are due in turn, so the first that is not due is the last to look at. */
  #sendDue(now: number): boolean {
    let hasSent = false;
    for (let looked = 0; looked < this.#connections.length; looked++) {
      const connection = this.#connections[this.#cursor]!;
      const times = this.#dueTimes[this.#cursor]!;
      const { sent } = connection.echoes;
      const due = times.dueBy(now) - sent;
      if (due <= 0) break;
      this.lateSends += Math.max(0, Math.min(due, times.dueBy(performance.now() - LATE_MS) - sent));
      this.sends += due;
      connection.send(due, now);
      hasSent = true;
      this.#cursor = (this.#cursor + 1) % this.#connections.length;
    }
    return hasSent;
  }
}
