/**
 * The time of a drain, and the order and pace in which it closes connections: a restart of one hub must not bring all of its
 * clients to another one in the same second. I/O thread.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** `auto`, and the least that any pace is: slower, small hubs would take long to stop for no gain. */
const MIN_PER_SECOND = 100;
/** The connections that are closed last need time too, for what they have in flight: so much of it is for closing. */
const CLOSING_SHARE = 0.8;
const TICK_MS = 10;

/** The time that a drain has, which can be shortened while it runs. */
export class DrainTime {
  /** Settles when the time is over. */
  readonly over: Promise<void>;
  #endsAt: number;
  #isHurried = false;
  #timer: NodeJS.Timeout;
  #onOver!: () => void;
  readonly #hurry = new AbortController();

  constructor(timeoutMs: number) {
    this.#endsAt = performance.now() + timeoutMs;
    this.over = new Promise((resolve) => {
      this.#onOver = resolve;
    });
    this.#timer = setTimeout(this.#onOver, timeoutMs);
  }

  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** From now on nothing is put off. */
  get isHurried(): boolean {
    return this.#isHurried;
  }

  /** Waits so long, unless the drain is hurried. */
  async pause(ms: number): Promise<void> {
    if (!this.#isHurried) await delay(ms, undefined, { signal: this.#hurry.signal }).catch(() => {});
  }

  /** Waits for a promise, as long as there is time. False when the time was over first. */
  within(promise: Promise<unknown>): Promise<boolean> {
    return Promise.race([promise.then(() => true), this.over.then(() => false)]);
  }

  /** Puts nothing off any more, and ends after this time if that is sooner than it would have. */
  hurry(timeoutMs: number): void {
    this.#isHurried = true;
    this.#hurry.abort();
    if (timeoutMs >= this.leftMs) return;
    this.#endsAt = performance.now() + timeoutMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onOver, timeoutMs);
  }

  /** It is done: leaves no timer behind. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

/** What a drain looks at of a connection. */
export interface Drained {
  readonly isOpen: boolean;
  /** Accepted and not answered. */
  readonly inFlight: number;
  readonly bufferedBytes: number;
}

/**
 * Calls `close` for every connection that is open: in random order, those with nothing in flight first, and so many a second
 * (more, where the time would not do).
 */
export async function closeAtPace<C extends Drained>(
  connections: C[],
  perSecond: number | 'auto',
  time: DrainTime,
  close: (connection: C) => void,
): Promise<void> {
  const seconds = (time.leftMs * CLOSING_SHARE) / 1000;
  const pace = Math.max(perSecond === 'auto' ? MIN_PER_SECOND : perSecond, connections.length / seconds);
  const startedAt = performance.now();
  let closed = 0;
  const isDue = () =>
    time.isHurried || time.leftMs === 0 || closed <= ((performance.now() - startedAt) / 1000) * pace;
  for (const connection of idleFirst(shuffle(connections))) {
    while (!isDue()) await time.pause(TICK_MS);
    if (!connection.isOpen) continue;
    closed++;
    close(connection);
  }
}

/** Who is idle is seen when its turn comes. */
function* idleFirst<C extends Drained>(connections: Iterable<C>): Generator<C> {
  const busy: C[] = [];
  for (const connection of connections)
    if (connection.inFlight === 0 && connection.bufferedBytes === 0) yield connection;
    else busy.push(connection);
  yield* busy;
}

/** In place (Fisher and Yates). */
function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [items[i], items[other]] = [items[other]!, items[i]!];
  }
  return items;
}
