/**
 * How the I/O thread and a worker sleep and wake each other: both halves of the protocol, each function with the thread
 * that calls it. Words of the control block and nothing else: whoever is told to notify posts a message on the doorbell,
 * the port between the two, which wakes an event loop.
 *
 * A thread that finds nothing in its ring says so in its word before it sleeps, and looks once more. Whoever has appended
 * something looks at that word, and takes it if it is not `Awake`: one exchange, so that a sleeper is woken once.
 *
 * No wake-up is lost:
 *
 *     sleeper   1. its word = asleep          writer   3. head of the ring = new position
 *               2. looks at the head                   4. looks at the sleeper's word
 *
 * All four go through `Atomics`, whose operations have one order that all threads agree on and that keeps each thread's own
 * (sequential consistency). If 2 comes before 3 and misses it, then 1 comes before 4, which sees a sleeper; if it comes
 * after, the sleeper sees the record. With plain accesses each might miss the other: a store may become visible after a
 * load that follows it. The records themselves are plain: who sees a position sees what was written before it was stored.
 * A thread that is `Awake` owes a look at its ring before it sleeps; so one that is told too often loses time alone.
 */
import type { InboundReader } from './inbound.js';
import type { ReplyWriter } from './replies.js';
import * as Word from './word.js';

/** Values of `Word.WorkerSleep`. */
export const WorkerSleep = {
  Awake: 0,
  /** In its event loop: its doorbell is to be rung. */
  Parked: 1,
  /** In `Atomics.wait`, for a moment: it is to be notified. */
  Waiting: 2,
} as const;

/** Values of `Word.IoSleep`: whether the I/O thread is in its event loop, and what its doorbell is to be rung for. */
export const IoSleep = {
  Awake: 0,
  Replies: 1,
  /** Something waits for room in the inbound ring: also when that has been released. */
  Space: 2,
} as const;

/** A worker that has nothing to do waits so long before it goes back to its event loop. */
const WAIT_MS = 0.5;

// The I/O thread's half

/** From here on the worker does not ring: its replies are going to be looked for. */
export function stayAwake(control: Int32Array): void {
  Atomics.store(control, Word.IoSleep, IoSleep.Awake);
}

/** From here on the worker rings. To be followed by a look at the rings. */
export function parkIoThread(control: Int32Array, wantsCredit: boolean): void {
  Atomics.store(control, Word.IoSleep, wantsCredit ? IoSleep.Space : IoSleep.Replies);
}

/** Wakes a worker that waits. @returns how it slept; where that is `Parked`, its doorbell is to be rung */
export function wakeWorker(control: Int32Array): number {
  // Most often it is awake, and a look is cheaper.
  if (Atomics.load(control, Word.WorkerSleep) === WorkerSleep.Awake) return WorkerSleep.Awake;
  const before = Atomics.exchange(control, Word.WorkerSleep, WorkerSleep.Awake);
  if (before === WorkerSleep.Waiting) Atomics.notify(control, Word.WorkerSleep, 1);
  return before;
}

// The worker's half

/** Marks the worker as parked; false, and awake again, when records came in meanwhile. */
export function parkWorker(control: Int32Array, inbound: InboundReader): boolean {
  Atomics.store(control, Word.WorkerSleep, WorkerSleep.Parked);
  if (!inbound.refresh()) return true;
  Atomics.store(control, Word.WorkerSleep, WorkerSleep.Awake);
  return false;
}

/**
 * Waits for records without going back to the event loop: for both sides the cheapest way to hand over the next batch
 * when it comes soon. True when there are some.
 */
export function waitForRecords(control: Int32Array, inbound: InboundReader): boolean {
  Atomics.store(control, Word.WorkerSleep, WorkerSleep.Waiting);
  if (!inbound.refresh()) Atomics.wait(control, Word.WorkerSleep, WorkerSleep.Waiting, WAIT_MS);
  Atomics.store(control, Word.WorkerSleep, WorkerSleep.Awake);
  return inbound.refresh();
}

/** True when the I/O thread sleeps and there is something for it: whoever gets true rings, once. To be called behind `release`. */
export function claimIoThread(control: Int32Array, replies: ReplyWriter): boolean {
  // Most often it is awake, and a look is cheaper.
  const sleep = Atomics.load(control, Word.IoSleep);
  if (sleep === IoSleep.Awake || (sleep === IoSleep.Replies && !replies.isPending)) return false;
  return takeIoThread(control);
}

/**
 * The worker has something to do that nobody gave it just now: it counts as awake, as if it had been woken. True when the
 * I/O thread sleeps: whoever gets true rings, once. That one, awake, looks after a worker that has more than it is at.
 */
export function stir(control: Int32Array): boolean {
  Atomics.store(control, Word.WorkerSleep, WorkerSleep.Awake);
  return takeIoThread(control);
}

/** The handler's code has come back, or is called anew: its time starts. */
export function step(control: Int32Array): void {
  Atomics.add(control, Word.Steps, 1);
}

/** Nothing is to be done but to be there: it waits for its doorbell again. */
export function answerDoorbell(control: Int32Array): void {
  step(control);
  Atomics.store(control, Word.WorkerSleep, WorkerSleep.Parked);
}

/** Blocks the worker until the I/O thread has applied more replies than up to `released`. */
export function waitForSpace(control: Int32Array, released: number, notify: () => void): void {
  Atomics.store(control, Word.WorkerBlocked, 1);
  notify();
  Atomics.wait(control, Word.OutReleased, released);
  Atomics.store(control, Word.WorkerBlocked, 0);
}

function takeIoThread(control: Int32Array): boolean {
  return Atomics.exchange(control, Word.IoSleep, IoSleep.Awake) !== IoSleep.Awake;
}
