/** Kinds of inbound records. A module to be imported as a namespace (see word.ts). */

/** A connection opened; the payload is its request as JSON. */
export const Open = 1;
/** A message; the payload is its bytes, or where they are in the arena with `Flag.External`. */
export const Message = 2;
/** A connection is gone; the payload is the close code (uint16) and the reason (UTF-8). */
export const Close = 3;
/** A topic that the connection is subscribed to has lost publications; the payload is a `TopicLoss` as JSON. */
export const Lost = 8;
/** Finish: no record follows. */
export const Stop = 4;
/** The peer is gone, and records of it still wait to enter the ring: `Close` comes behind them. Never finished. */
export const Abort = 5;
/** The answer to `Reply.Credit`: there is room for more. Never finished. */
export const Credit = 6;
/** The answer to a `Reply.Request`: see handler-request.ts. Never finished. */
export const Answer = 7;
