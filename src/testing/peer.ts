/** The peer of a connection, as a test has it in its hand: in memory, or at the other end of a socket. Types only. */
import type { Payload } from '../api/payload.js';

/** A message as a peer gets it: text, or the bytes of a binary frame. */
export type Received = string | Uint8Array;

export interface PeerEvents {
  onMessage(message: Received): void;
  /** Once, behind the last message. */
  onClose(code: number, reason: string): void;
}

export interface Peer {
  /** Resolves once the message is on its way to the handler. */
  send(data: Payload): Promise<void>;
  close(code: number, reason: string): void;
  /** Is gone, without a close frame. */
  cut(): void;
  /** Reads nothing any more. */
  stall(): void;
  /** Reads again. */
  resume(): void;
}
