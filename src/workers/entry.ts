/**
 * The Piscina task of a lane, on its worker thread: loads the handlers, says that it is ready, and then runs the
 * records of one shard until it is told to stop.
 */
import { toErrorRecord } from '../api/errors.js';
import { Arena } from '../wire/arena.js';
import { InboundReader } from '../wire/inbound.js';
import { Block } from '../wire/layout.js';
import { ReplyWriter } from '../wire/replies.js';
import {
  type BellMessage,
  type LaneReady,
  type LaneResult,
  type LaneTask,
  OVER_MEMORY,
  PROBE,
} from '../wire/worker-task.js';
import { answerBell, claimFrontEndBell, doze, fallAsleep, step, stir, waitForRoom } from './bell.js';
import { Handlers } from './handlers.js';
import { MemoryWatch } from './memory-watch.js';
import { Runtime } from './runtime.js';

export default async function runLane(task: LaneTask): Promise<LaneResult> {
  const control = new Int32Array(task.memory.control);
  // From here on a thread that does not come back to its event loop is found, while it loads too.
  const answer = () => answerBell(control);
  answer();
  task.bell.on('message', answer);
  try {
    const handlers = await Handlers.start(task.handlers, { shard: task.shard, ...task.settings });
    task.bell.off('message', answer);
    await work(task, control, handlers);
    return { stopped: true };
  } catch (thrown) {
    return { failure: toErrorRecord(thrown) };
  } finally {
    task.bell.close();
  }
}

/** Undefined without a limit. */
function watchMemory({ bell, settings }: LaneTask): MemoryWatch | undefined {
  const { workerMemoryMb } = settings;
  if (workerMemoryMb === 0) return undefined;
  return new MemoryWatch(workerMemoryMb * 1024 * 1024, () => {
    bell.postMessage(OVER_MEMORY);
    // No hook begins any more that would have to be paid for.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}

function work(task: LaneTask, control: Int32Array, handlers: Handlers): Promise<void> {
  const { bell, memory } = task;
  return new Promise((resolve) => {
    const spinMs = task.settings.spin / 1000;
    const inbound = new InboundReader(control, new Block(memory.inbound), new Arena(memory.arena));
    const watch = watchMemory(task);
    const pull = () => bell.postMessage(null);
    const ring = () => {
      if (claimFrontEndBell(control, replies)) pull();
    };
    const replies = new ReplyWriter(control, new Block(memory.replies), (released) =>
      waitForRoom(control, released, ring),
    );
    const runtime = new Runtime(handlers.list, task.settings, inbound, replies, {
      doze: () => doze(control, inbound, spinMs),
      sleep: () => fallAsleep(control, inbound),
      stir: () => {
        if (stir(control)) pull();
      },
      step: () => step(control),
      ringFrontEnd: () => {
        ring();
        watch?.look();
      },
      stopped: () => void handlers.stop((thrown) => runtime.report(thrown)).then(resolve),
    });
    bell.on('message', (message: BellMessage) => {
      if (message === PROBE) bell.postMessage(PROBE);
      else runtime.wake();
    });
    // What the handlers' modules keep is there for good: with too much of it no worker would live.
    watch?.look();
    const ready: LaneReady = { ready: true, hooks: handlers.hooks };
    bell.postMessage(ready);
    runtime.wake();
  });
}
