/**
 * The Piscina task of a lane, on its worker thread: loads the handler, says that it is ready, and then runs the
 * records of one shard until it is told to stop.
 */
import { type MessagePort as NodePort, receiveMessageOnPort } from 'node:worker_threads';
import { toErrorRecord } from '../errors.js';
import { InboundReader } from '../wire/inbound.js';
import { Block } from '../wire/layout.js';
import { ReplyWriter } from '../wire/replies.js';
import { claimFrontEndBell, fallAsleep, waitForRoom } from './bell.js';
import type { Handler } from './handler.js';
import type { LaneReady, LaneResult, LaneTask } from './lane-task.js';
import { loadHandler } from './load.js';
import { Runtime } from './runtime.js';

export default async function runLane(task: LaneTask): Promise<LaneResult> {
  const bell = task.bell as unknown as NodePort;
  const blocks = task.blocks as unknown as NodePort;
  try {
    const handler = await loadHandler(task.handler);
    await work(task, handler, bell, blocks);
    return { stopped: true };
  } catch (thrown) {
    return { failure: toErrorRecord(thrown) };
  } finally {
    bell.close();
    blocks.close();
  }
}

function work(task: LaneTask, handler: Handler, bell: NodePort, blocks: NodePort): Promise<void> {
  return new Promise((resolve) => {
    const control = new Int32Array(task.memory.control);
    const inbound = new InboundReader(control, new Block(task.memory.inbound));
    const ring = () => {
      if (claimFrontEndBell(control, replies)) bell.postMessage(null);
    };
    const replies = new ReplyWriter(control, new Block(task.memory.replies), () => waitForRoom(control, ring));
    const runtime = new Runtime(handler, inbound, replies, {
      takeBlock: () => receiveMessageOnPort(blocks)!.message as SharedArrayBuffer,
      sleep: () => fallAsleep(control, inbound),
      ringFrontEnd: ring,
      stopped: resolve,
    });
    bell.on('message', () => runtime.wake());
    const ready: LaneReady = {
      ready: true,
      hooks: { open: handler.open !== undefined, close: handler.close !== undefined },
    };
    bell.postMessage(ready);
    runtime.wake();
  });
}
