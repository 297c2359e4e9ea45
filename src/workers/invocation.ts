/** A record whose hook has not finished, or whose replies wait for those of earlier messages. */
import type { ConnectionContext } from './context.js';
import type { InboundMessage } from './message.js';
import { type ReplyData, sizeOf } from './reply-value.js';
import type { Measure } from './watch/measure.js';

export class Invocation {
  readonly context: ConnectionContext;
  /** Undefined for other hooks than `message`. */
  readonly message: InboundMessage | undefined;
  /** While its hook is measured. */
  measure: Measure | undefined = undefined;
  /** When it began to wait for what it waits for now. */
  since = 0;
  /** True once its hook has finished, or its time was up: whichever came first has finished the record. */
  isOver = false;
  /** Replies that wait until those of earlier messages have left; undefined while they may leave at once. */
  held: ReplyData[] | undefined = undefined;
  heldBytes = 0;
  /** Thrown by its hook, to be told when its turn comes. */
  failure: { readonly thrown: unknown } | undefined = undefined;
  /** True once its last reply is written. */
  isAnswered = false;
  /** Called when its replies may leave. */
  onTurn: (() => void) | undefined = undefined;

  constructor(context: ConnectionContext, message: InboundMessage | undefined) {
    this.context = context;
    this.message = message;
  }

  get doneBytes(): number {
    return bytesOf(this.message);
  }

  /** @param data of which nobody else writes to the memory */
  holdReply(data: ReplyData): void {
    this.heldBytes += sizeOf(data);
    this.held!.push(data);
  }
}

/** Bytes that a record gives back once it has finished: those of its message, if it is one. hot */
export function bytesOf(message: InboundMessage | undefined): number {
  return message === undefined ? 0 : message.byteLength;
}
