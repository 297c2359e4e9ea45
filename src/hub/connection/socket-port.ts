/** What the hub needs of a socket. The engine's WebSockets and HTTP requests come as one of these. */

/** What became of a message: the same meaning as uWebSockets.js's own return values. */
export const SendVerdict = {
  /** Accepted; part of it waits in the engine's buffer. */
  Buffered: 0,
  /** Written. */
  Sent: 1,
  /** Not accepted. */
  Dropped: 2,
} as const;
export type SendVerdict = (typeof SendVerdict)[keyof typeof SendVerdict];

export interface SocketPort {
  /**
   * Sends a message. The bytes are not read after the call.
   *
   * @param isShared others are sent it too, and it never changes: what is made of it may be kept for them
   */
  send(data: Uint8Array, isBinary: boolean, isShared?: boolean): number;
  /** Sends a ping. The bytes are not read after the call. */
  ping(payload: Uint8Array): void;
  /** Runs `work` with all sends gathered into as few writes as possible. Nothing in `work` may end the socket. */
  cork(work: () => void): void;
  /** Bytes in the engine's buffer that the kernel did not take yet. */
  bufferedBytes(): number;
  /** Sends a close frame after everything that was sent before, and ends. `SocketListener.onClose` runs inside the call. */
  end(code: number, reason: string): void;
  /** Ends without a close frame and without what is buffered. `SocketListener.onClose` runs inside the call. */
  terminate(): void;
  /** False for an engine that reads a socket for as long as it has more. */
  readonly canPause: boolean;
  /**
   * Reads no more of the peer until `resume`: at most what has been read already still comes, before the next turn of the
   * loop. Timeouts hold meanwhile: a peer whose answers to pings lie unread is not ended for that.
   */
  pause(): void;
  /** Goes on to read. Never calls the listener inside the call. */
  resume(): void;
}

/** What a socket calls back on. */
export interface SocketListener {
  /**
   * A message arrived: `source[start…end)`, valid during the call only. It may still carry its mask, and is unmasked only
   * while it is copied: byte i of it, from 0, is XORed with `(mask >>> 8 * (i & 3)) & 255`.
   *
   * @param mask the four bytes of the mask as they lie on the wire, read as a little-endian int32; 0 when there is none
   * @param isBinary false for text, which is UTF-8
   */
  onMessage(source: Uint8Array, start: number, end: number, mask: number, isBinary: boolean): void;
  /** A ping arrived; the engine has answered it. `payload` is valid during the call only. */
  onPing(payload: Uint8Array): void;
  /** A pong arrived. `payload` is valid during the call only. */
  onPong(payload: Uint8Array): void;
  /** The engine's buffer got smaller. */
  onDrain(): void;
  /** The socket is gone; no method of its port may be called any more. */
  onClose(code: number, reason: string): void;
}
