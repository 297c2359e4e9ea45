/** A CPU profile of a thread of this process, as Chrome's developer tools read it (`.cpuprofile`). One at a time. I/O thread. */
import type { InspectorNotification, NodeWorker } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HubError } from '../../api/errors.js';

type Post = (method: string) => Promise<unknown>;

interface Reply {
  readonly id?: number;
  readonly result?: object;
}

let isRunning = false;

/**
 * @param threadId of a worker thread; undefined for this one
 * @throws HubError `ERR_HUB_STATE` while another one is made, or when the worker ends before it is done
 */
export async function profile(seconds: number, threadId: number | undefined): Promise<unknown> {
  if (isRunning) throw new HubError('ERR_HUB_STATE', 'a profile is being made already');
  isRunning = true;
  const session = new Session();
  try {
    session.connect();
    const post: Post =
      threadId === undefined ? (method) => session.post(method) : await attach(session, threadId);
    await post('Profiler.enable');
    await post('Profiler.start');
    await delay(seconds * 1000, undefined, { ref: false });
    return ((await post('Profiler.stop')) as { profile: unknown }).profile;
  } finally {
    session.disconnect();
    isRunning = false;
  }
}

/** By way of the inspector, which interrupts the worker: one that does not come back to its event loop is profiled as well. */
async function attach(session: Session, threadId: number): Promise<Post> {
  let sessionId: string | undefined;
  let serial = 0;
  const waiting = new Map<number, { resolve(result: object | undefined): void; reject(why: Error): void }>();
  const title = `[worker ${threadId}]`;
  session.on(
    'NodeWorker.attachedToWorker',
    ({ params }: InspectorNotification<NodeWorker.AttachedToWorkerEventDataType>) => {
      if (params.workerInfo.title.startsWith(title)) sessionId = params.sessionId;
    },
  );
  session.on(
    'NodeWorker.receivedMessageFromWorker',
    ({ params }: InspectorNotification<NodeWorker.ReceivedMessageFromWorkerEventDataType>) => {
      if (params.sessionId !== sessionId) return;
      const { id = 0, result } = JSON.parse(params.message) as Reply;
      waiting.get(id)?.resolve(result);
      waiting.delete(id);
    },
  );
  session.on(
    'NodeWorker.detachedFromWorker',
    ({ params }: InspectorNotification<NodeWorker.DetachedFromWorkerEventDataType>) => {
      if (params.sessionId !== sessionId) return;
      for (const { reject } of waiting.values()) reject(ended());
      sessionId = undefined;
    },
  );
  await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return async (method) => {
    if (sessionId === undefined) throw ended();
    const id = ++serial;
    const answer = new Promise<object | undefined>((resolve, reject) => waiting.set(id, { resolve, reject }));
    const message = JSON.stringify({ id, method });
    await session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    return answer;
  };
}

function ended(): HubError {
  return new HubError('ERR_HUB_STATE', 'the worker ended before its profile was made');
}
