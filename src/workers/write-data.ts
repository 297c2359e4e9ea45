/** Writes one reply to the ring, by its kind. */
import * as Flag from '../wire/flag.js';
import type { ReplyWriter } from '../wire/replies.js';
import * as Reply from '../wire/reply-kind.js';
import type { ConnectionContext } from './context.js';
import { InboundMessage } from './message.js';
import type { ReplyData } from './reply-value.js';

/**
 * hot: once per reply.
 *
 * @throws HubError `ERR_DATA_TYPE` when the memory of bytes is gone, `ERR_MESSAGE_EXPIRED`: then nothing is written
 * @param done `Flag.Done` when the reply is the last of its record, else 0
 * @param doneBytes bytes of the message that is finished with it
 */
export function writeData(
  replies: ReplyWriter,
  { slot, generation }: ConnectionContext,
  data: ReplyData,
  done: number,
  doneBytes: number,
): void {
  if (data instanceof InboundMessage) {
    const kind = data.isBinary ? Flag.Binary | done : done;
    if (data.isInRing) replies.write(Reply.Echo | kind, slot, generation, data.position, doneBytes);
    else replies.writeBytes(Reply.Send | kind, slot, generation, data.payload(), doneBytes);
  } else if (typeof data === 'string') {
    replies.writeText(Reply.Send | done, slot, generation, data, doneBytes);
  } else {
    replies.writeBytes(Reply.Send | Flag.Binary | done, slot, generation, data, doneBytes);
  }
}
