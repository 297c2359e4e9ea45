/**
 * The runtime on the I/O thread, for `workers: 0`: the same rings and the same code without a thread between.
 */
import { Arena } from '../wire/arena.js';
import { claimIoThread, parkWorker, stir } from '../wire/doorbell.js';
import { InboundReader } from '../wire/inbound.js';
import { RingMemory } from '../wire/layout.js';
import { ReplyWriter } from '../wire/replies.js';
import type { LocalRuntimeModule } from '../wire/worker-task.js';
import { Handlers } from './handlers.js';
import { LogWriter } from './log/log-writer.js';
import { Runtime } from './runtime.js';
import { openTimings } from './watch/measure.js';

export const startLocalRuntime: LocalRuntimeModule['startLocalRuntime'] = async (
  memory,
  sources,
  settings,
  host,
) => {
  // As a thread would get them.
  const own = sources.map((source) => ({ ...source, options: structuredClone(source.options) }));
  const control = new Int32Array(memory.control);
  const inbound = new InboundReader(control, new RingMemory(memory.inbound), new Arena(memory.arena));
  const replies = new ReplyWriter(control, new RingMemory(memory.replies), () => host.applyReplies());
  const notifyIoThread = () => {
    if (claimIoThread(control, replies)) host.onDoorbell();
  };
  const log = new LogWriter({ replies, notifyIoThread }, settings.logLevels);
  const handlers = await Handlers.start(own, { shard: 0, log: log.logOf(), ...settings });
  let onStopped: () => void;
  const stopped = new Promise<void>((resolve) => {
    onStopped = resolve;
  });
  const timings = openTimings(memory, sources.length);
  const runtime = new Runtime(
    handlers.list,
    settings,
    inbound,
    replies,
    log,
    {
      // The thread is the I/O thread's.
      waitForRecords: () => false,
      park: () => parkWorker(control, inbound),
      stir: () => {
        if (stir(control)) host.onDoorbell();
      },
      // Nobody could end it.
      step: () => {},
      notifyIoThread,
      stopped: () => void handlers.stop((thrown) => runtime.report(thrown)).then(onStopped),
    },
    handlers.access,
    timings,
  );
  // Marks the worker link as asleep, so that the first flush wakes it.
  runtime.wake();
  return { hooks: handlers.hooks, wake: () => runtime.wake(), stopped };
};
