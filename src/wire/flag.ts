/** Flags of a record, shifted by 8 in its first word. A module to be imported as a namespace (see word.ts). */

/** The message is binary, not text. */
export const Binary = 1 << 8;
/** The payload lies in the arena; the record tells where. */
export const External = 1 << 9;
/** This reply is the last of an inbound record: it commits the record as finished. */
export const Done = 1 << 10;
/** The payload goes on in the next record. */
export const More = 1 << 11;
/** `Open` only: the connection was open before; its worker was replaced. */
export const Restarted = 1 << 12;
/** `Open` only: it was replaced by another version, which it has handed the connection over to. */
export const Reloaded = 1 << 13;
/** `Open` only: behind the request comes what the version of before has kept of the connection (request.ts). */
export const Suspended = 1 << 14;
