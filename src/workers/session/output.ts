/** What a worker says over one pair of rings: lines of its log while its handlers load, then replies too. Worker thread. */
import { claimIoThread, waitForSpace } from '../../wire/doorbell.js';
import { RingMemory, type WorkerMemory } from '../../wire/layout.js';
import { ReplyWriter } from '../../wire/replies.js';
import type { Port } from '../../wire/worker-task.js';

export interface Output {
  readonly memory: WorkerMemory;
  readonly control: Int32Array;
  readonly replies: ReplyWriter;
  /** Something was committed. */
  notifyIoThread(): void;
}

export function openOutput(memory: WorkerMemory, doorbell: Port): Output {
  const control = new Int32Array(memory.control);
  const notifyIoThread = () => {
    if (claimIoThread(control, replies)) doorbell.postMessage(null);
  };
  const replies = new ReplyWriter(control, new RingMemory(memory.replies), (released) =>
    waitForSpace(control, released, notifyIoThread),
  );
  return { memory, control, replies, notifyIoThread };
}
