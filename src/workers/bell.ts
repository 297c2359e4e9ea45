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

/** Blocks the thread until the front end has applied more replies than it had. */
export function waitForRoom(control: Int32Array, ring: () => void): void {
  const seen = Atomics.load(control, Word.OutReleased);
  Atomics.store(control, Word.WorkerBlocked, 1);
  ring();
  // The timeout is a safety net only: the front end notifies when it releases.
  Atomics.wait(control, Word.OutReleased, seen, 100);
  Atomics.store(control, Word.WorkerBlocked, 0);
}
