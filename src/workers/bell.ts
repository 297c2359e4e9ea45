/** The worker's side of the sleep-and-wake protocol between a worker and the front end. */
import type { InboundReader } from '../wire/inbound.js';
import { Word } from '../wire/layout.js';
import type { ReplyWriter } from '../wire/replies.js';

/** Marks the worker as asleep; false, and awake again, when records came in meanwhile. */
export function fallAsleep(control: Int32Array, inbound: InboundReader): boolean {
  Atomics.store(control, Word.WorkerAsleep, 1);
  if (!inbound.refresh()) return true;
  Atomics.store(control, Word.WorkerAsleep, 0);
  return false;
}

/** True when replies are there and the front end sleeps: whoever gets true rings, once. */
export function claimFrontEndBell(control: Int32Array, replies: ReplyWriter): boolean {
  if (Atomics.load(control, Word.FrontAsleep) === 0 || !replies.isPending) return false;
  return Atomics.compareExchange(control, Word.FrontAsleep, 1, 0) === 1;
}

/** Blocks the thread until the front end has applied more replies than up to `released`. */
export function waitForRoom(control: Int32Array, released: number, ring: () => void): void {
  Atomics.store(control, Word.WorkerBlocked, 1);
  ring();
  Atomics.wait(control, Word.OutReleased, released);
  Atomics.store(control, Word.WorkerBlocked, 0);
}
