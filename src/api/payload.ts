/** What the application gives to be sent on the I/O thread. */

/** A string is sent as a text frame, bytes as a binary frame. */
export type Payload = string | Uint8Array | ArrayBuffer;
