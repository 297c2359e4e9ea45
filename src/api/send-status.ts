/** What became of a message that was sent, on either thread. */

/**
 * `accepted`: on its way. `queued`: so is it, but until the peer has read more; for a handler: its connection has been sent
 * more than `highWaterMark` since it was last known to have room. `dropped`: the connection is gone or closing, or a
 * policy dropped it (and counted it).
 */
export type SendStatus = 'accepted' | 'queued' | 'dropped';
