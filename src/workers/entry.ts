/**
 * The Piscina task of a link, on its worker thread: loads the handlers, says that it is ready, and then runs the
 * records of one shard until it is told to stop.
 */
import { toErrorRecord } from '../api/errors.js';
import { MayLook, Spinner } from '../util/spinner.js';
import { Arena } from '../wire/arena.js';
import {
  answerDoorbell,
  claimIoThread,
  parkWorker,
  step,
  stir,
  waitForRecords,
  waitForSpace,
} from '../wire/doorbell.js';
import { InboundReader } from '../wire/inbound.js';
import { RingMemory } from '../wire/layout.js';
import { ReplyWriter } from '../wire/replies.js';
import {
  type DoorbellMessage,
  OVER_MEMORY,
  PROBE,
  type WorkerReady,
  type WorkerTask,
  type WorkerTaskResult,
} from '../wire/worker-task.js';
import { Handlers } from './handlers.js';
import { openTimings } from './measure.js';
import { MemoryWatch } from './memory-watch.js';
import { Runtime } from './runtime.js';

export default async function runWorker(task: WorkerTask): Promise<WorkerTaskResult> {
  const control = new Int32Array(task.memory.control);
  // From here on a thread that does not come back to its event loop is found, while it loads too.
  const answer = () => answerDoorbell(control);
  answer();
  task.doorbell.on('message', answer);
  try {
    const handlers = await Handlers.start(task.handlers, { shard: task.shard, ...task.settings });
    task.doorbell.off('message', answer);
    await work(task, control, handlers);
    return { stopped: true };
  } catch (thrown) {
    return { failure: toErrorRecord(thrown) };
  } finally {
    task.doorbell.close();
  }
}

/** Undefined without a limit. */
function watchMemory({ doorbell, settings }: WorkerTask): MemoryWatch | undefined {
  const { workerMemoryMb } = settings;
  if (workerMemoryMb === 0) return undefined;
  return new MemoryWatch(workerMemoryMb * 1024 * 1024, () => {
    doorbell.postMessage(OVER_MEMORY);
    // No hook begins any more that would have to be paid for.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}

function work(task: WorkerTask, control: Int32Array, handlers: Handlers): Promise<void> {
  const { doorbell, memory } = task;
  return new Promise((resolve) => {
    const { spin, spinGate } = task.settings;
    const spinner = new Spinner(spin, spinGate, MayLook.All, { looks: 0, lookHits: 0 });
    const hasRecords = () => inbound.refresh();
    const inbound = new InboundReader(control, new RingMemory(memory.inbound), new Arena(memory.arena));
    const watch = watchMemory(task);
    const ring = () => doorbell.postMessage(null);
    const notifyIoThread = () => {
      if (claimIoThread(control, replies)) ring();
    };
    const replies = new ReplyWriter(control, new RingMemory(memory.replies), (released) =>
      waitForSpace(control, released, notifyIoThread),
    );
    const timings = openTimings(memory, task.handlers.length);
    const runtime = new Runtime(
      handlers.list,
      task.settings,
      inbound,
      replies,
      {
        waitForRecords: () => spinner.look(hasRecords) || waitForRecords(control, inbound),
        park: () => parkWorker(control, inbound),
        stir: () => {
          if (stir(control)) ring();
        },
        step: () => step(control),
        notifyIoThread: () => {
          notifyIoThread();
          watch?.look();
        },
        stopped: () => void handlers.stop((thrown) => runtime.report(thrown)).then(resolve),
      },
      handlers.access,
      timings,
    );
    doorbell.on('message', (message: DoorbellMessage) => {
      if (message === PROBE) doorbell.postMessage(PROBE);
      else runtime.wake();
    });
    // What the handlers' modules keep is there for good: with too much of it no worker would live.
    watch?.look();
    const ready: WorkerReady = { ready: true, hooks: handlers.hooks };
    doorbell.postMessage(ready);
    runtime.wake();
  });
}
