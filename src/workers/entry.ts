/**
 * The Piscina task of a link, on its worker thread: loads the handlers, says that it is ready, and then runs the
 * records of one shard until it is told to stop, or to hand over.
 */
import { close as closeInspector } from 'node:inspector';
import { setSourceMapsEnabled } from 'node:process';
import { toErrorRecord } from '../api/errors.js';
import { answerDoorbell } from '../wire/doorbell.js';
import {
  type DoorbellMessage,
  END,
  OVER_MEMORY,
  PROBE,
  SUSPEND,
  type WorkerReady,
  type WorkerTask,
  type WorkerTaskResult,
} from '../wire/worker-task.js';
import { openInspector } from './dev/inspector.js';
import { Handlers } from './handlers.js';
import { takeConsole } from './log/console.js';
import { LogWriter } from './log/log-writer.js';
import { MemoryWatch } from './memory-watch.js';
import { type Output, openOutput } from './session/output.js';
import { Session } from './session/session.js';

export default async function runWorker(task: WorkerTask): Promise<WorkerTaskResult> {
  const control = new Int32Array(task.memory.control);
  // From here on a thread that does not come back to its event loop is found, while it loads too.
  const answer = () => answerDoorbell(control);
  answer();
  task.doorbell.on('message', answer);
  try {
    const output = openOutput(task.memory, task.doorbell);
    const writer = openLog(task, output);
    const log = writer.logOf();
    if (task.inspectorPort !== undefined) openInspector(task.inspectorPort, log);
    const handlers = await Handlers.start(task.handlers, { shard: task.shard, log, ...task.settings });
    task.doorbell.off('message', answer);
    await work(task, handlers, output, writer);
    return { stopped: true };
  } catch (thrown) {
    return { failure: toErrorRecord(thrown) };
  } finally {
    task.doorbell.close();
    // A thread that ends waits for its debugger to leave.
    if (task.inspectorPort !== undefined) closeInspector();
  }
}

/** From here on what handlers print, and where they fail, is told as their authors wrote it. */
function openLog({ settings }: WorkerTask, output: Output): LogWriter {
  const log = new LogWriter(output, settings.logLevels);
  takeConsole((level, text) => log.print(level, text));
  setSourceMapsEnabled(true);
  return log;
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

function work(task: WorkerTask, handlers: Handlers, output: Output, log: LogWriter): Promise<void> {
  const { doorbell, settings, isStandby } = task;
  return new Promise((resolve) => {
    const watch = watchMemory(task);
    const onStop = () => void handlers.stop((thrown) => session.report(thrown)).then(resolve);
    const host = { doorbell, settings, handlers, log, watch, onStop };
    let session = new Session(output, host);
    doorbell.on('message', (message: DoorbellMessage) => {
      if (message === null) session.wake();
      else if (message === PROBE) doorbell.postMessage(PROBE);
      else if (message === SUSPEND) void session.suspend();
      else if (message === END) onStop();
      else if (typeof message !== 'object') return;
      else if ('note' in message) session.takeNote(message);
      else if ('begin' in message) {
        if (message.begin !== undefined) session = new Session(openOutput(message.begin, doorbell), host);
        void session.begin(message.state);
      }
    });
    // What the handlers' modules keep is there for good: with too much of it no worker would live.
    watch?.look();
    const ready: WorkerReady = { ready: true, hooks: handlers.hooks };
    doorbell.postMessage(ready);
    if (!isStandby) void session.begin(undefined);
  });
}
