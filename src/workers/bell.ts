/** The worker's side of the sleep-and-wake protocol between a worker and the front end. */
import type { InboundReader } from '../wire/inbound.js';
import { FrontSleep, Sleep } from '../wire/layout.js';
import type { ReplyWriter } from '../wire/replies.js';
import * as Word from '../wire/word.js';

/** A worker that has nothing to do waits so long before it goes back to its event loop. */
const DOZE_MS = 0.5;

/** Marks the worker as asleep; false, and awake again, when records came in meanwhile. */
export function fallAsleep(control: Int32Array, inbound: InboundReader): boolean {
  Atomics.store(control, Word.WorkerAsleep, Sleep.Bell);
  if (!inbound.refresh()) return true;
  Atomics.store(control, Word.WorkerAsleep, Sleep.Awake);
  return false;
}

/**
 * Waits for records without going back to the event loop: for both sides the cheapest way to hand over the next batch
 * when it comes soon. True when there are some.
 *
 * @param spinMs look in a loop for so long first
 */
export function doze(control: Int32Array, inbound: InboundReader, spinMs: number): boolean {
  if (spinMs > 0) {
    const end = performance.now() + spinMs;
    do {
      if (inbound.refresh()) return true;
    } while (performance.now() < end);
  }
  Atomics.store(control, Word.WorkerAsleep, Sleep.Doze);
  if (!inbound.refresh()) Atomics.wait(control, Word.WorkerAsleep, Sleep.Doze, DOZE_MS);
  Atomics.store(control, Word.WorkerAsleep, Sleep.Awake);
  return inbound.refresh();
}

/** True when the front end sleeps and there is something for it: whoever gets true rings, once. To be called behind `release`. */
export function claimFrontEndBell(control: Int32Array, replies: ReplyWriter): boolean {
  // Most often it is awake, and a look is cheaper.
  const sleep = Atomics.load(control, Word.FrontAsleep);
  if (sleep === FrontSleep.Awake || (sleep === FrontSleep.Replies && !replies.isPending)) return false;
  return takeFrontEndBell(control);
}

/**
 * The worker has something to do that nobody gave it just now: it counts as awake, as if it had been woken. True when the
 * front end sleeps: whoever gets true rings, once. The front end, awake, looks after a worker that has more than it is at.
 */
export function stir(control: Int32Array): boolean {
  Atomics.store(control, Word.WorkerAsleep, Sleep.Awake);
  return takeFrontEndBell(control);
}

/** The handler's code has come back, or is called anew: its time starts. */
export function step(control: Int32Array): void {
  Atomics.add(control, Word.Steps, 1);
}

/** Nothing is to be done but to be there: it waits for its bell again. */
export function answerBell(control: Int32Array): void {
  step(control);
  Atomics.store(control, Word.WorkerAsleep, Sleep.Bell);
}

function takeFrontEndBell(control: Int32Array): boolean {
  return Atomics.exchange(control, Word.FrontAsleep, FrontSleep.Awake) !== FrontSleep.Awake;
}

/** Blocks the thread until the front end has applied more replies than up to `released`. */
export function waitForRoom(control: Int32Array, released: number, ring: () => void): void {
  Atomics.store(control, Word.WorkerBlocked, 1);
  ring();
  Atomics.wait(control, Word.OutReleased, released);
  Atomics.store(control, Word.WorkerBlocked, 0);
}
