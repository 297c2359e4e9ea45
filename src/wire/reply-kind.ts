/** Kinds of replies. A module to be imported as a namespace (see word.ts). */

/** Send the payload. */
export const Send = 1;
/** Send the payload of an inbound record that is still in the ring: nothing is copied. */
export const Echo = 2;
/** Nothing but `Flag.Done`. */
export const Finish = 3;
/** Close the connection; the payload is the close code (uint16) and the reason (UTF-8). */
export const Close = 4;
/** A handler failed; the payload is an `ErrorRecord` as JSON. */
export const Failure = 5;
/** A record waits in the worker behind another one of its connection; it has not begun. */
export const Defer = 6;
/** The oldest record of a connection that waited so begins. */
export const Begin = 7;
/** Subscribe the connection; the payload is the topic. */
export const Subscribe = 8;
export const Unsubscribe = 9;
/** Publish; the payload is laid out in publish.ts. */
export const Publish = 10;
/** Say so (`Inbound.Credit`) when the connection has room for more than what was sent before this. */
export const Credit = 11;
/** A payload that came in parts ends here: it is not to be sent. */
export const Abandon = 12;
/** A question of a handler, laid out in handler-request.ts: answered by `Inbound.Answer`. */
export const Request = 13;
/** What the handler keeps of a connection for the version that takes over. */
export const Suspended = 14;
/** Write a line to the log; the payload is a `LogRecord` as JSON. Of no connection where the generation is 0. */
export const Log = 15;
