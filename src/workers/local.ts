/**
 * The runtime on the front end thread, for `workers: 0`: the same rings and the same code without a thread between.
 */
import { Arena } from '../wire/arena.js';
import { claimFrontEnd, parkWorker, stir } from '../wire/doorbell.js';
import { InboundReader } from '../wire/inbound.js';
import { Block } from '../wire/layout.js';
import { ReplyWriter } from '../wire/replies.js';
import type { LocalRuntimeModule } from '../wire/worker-task.js';
import { Handlers } from './handlers.js';
import { Runtime } from './runtime.js';

export const startLocalRuntime: LocalRuntimeModule['startLocalRuntime'] = async (
  memory,
  sources,
  settings,
  host,
) => {
  const handlers = await Handlers.start(sources, { shard: 0, ...settings });
  const control = new Int32Array(memory.control);
  const inbound = new InboundReader(control, new Block(memory.inbound), new Arena(memory.arena));
  const replies = new ReplyWriter(control, new Block(memory.replies), () => host.applyReplies());
  let onStopped: () => void;
  const stopped = new Promise<void>((resolve) => {
    onStopped = resolve;
  });
  const runtime = new Runtime(handlers.list, settings, inbound, replies, {
    // The thread is the front end's.
    waitForRecords: () => false,
    park: () => parkWorker(control, inbound),
    stir: () => {
      if (stir(control)) host.onDoorbell();
    },
    // Nobody could end it.
    step: () => {},
    notifyFrontEnd: () => {
      if (claimFrontEnd(control, replies)) host.onDoorbell();
    },
    stopped: () => void handlers.stop((thrown) => runtime.report(thrown)).then(onStopped),
  });
  // Marks the lane as asleep, so that the first flush wakes it.
  runtime.wake();
  return { hooks: handlers.hooks, wake: () => runtime.wake(), stopped };
};
