/** A record whose hook has not finished, or whose replies wait for those of earlier messages. */
import type { ConnectionContext } from './context.js';
import type { Data } from './handler.js';
import { InboundMessage } from './message.js';

export class Job {
  readonly context: ConnectionContext;
  /** Undefined for `open` and `close`. */
  readonly message: InboundMessage | undefined;
  readonly doneBytes: number;
  /** When it began to wait for what it waits for now; 0 where no time is set. */
  since = 0;
  /** True once its hook has finished, or its time was up: whichever came first has finished the record. */
  isOver = false;
  /** Replies that wait until those of earlier messages have left; undefined while they may leave at once. */
  held: Data[] | undefined = undefined;
  heldBytes = 0;
  /** Thrown by its hook, to be told when its turn comes. */
  failure: { readonly thrown: unknown } | undefined = undefined;
  /** True once its last reply is written. */
  isAnswered = false;
  /** Called when its replies may leave. */
  onTurn: (() => void) | undefined = undefined;

  constructor(context: ConnectionContext, message: InboundMessage | undefined, doneBytes: number) {
    this.context = context;
    this.message = message;
    this.doneBytes = doneBytes;
  }

  /** @param data of which nobody else writes to the memory */
  hold(data: Data): void {
    this.heldBytes += sizeOf(data);
    this.held!.push(data);
  }
}

/** Bytes that data is sent as. */
export function sizeOf(data: Data): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
}

/** The same data, independent of memory that somebody may write to. @throws HubError `ERR_MESSAGE_EXPIRED` */
export function keep(data: Data): Data {
  if (data instanceof Uint8Array) return Uint8Array.prototype.slice.call(data);
  if (data instanceof ArrayBuffer) return data.slice(0);
  if (!(data instanceof InboundMessage)) return data;
  // One that has expired is found out now.
  return data.isBinary ? data.bytes.slice() : data.text();
}
