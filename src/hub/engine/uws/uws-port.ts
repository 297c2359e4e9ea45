/** A WebSocket of the engine as the hub's port, and what the engine keeps for it. I/O thread. */
import type { Acceptance } from '../../admission/upgrade-result.js';
import type { SocketListener, SocketPort } from '../../connection/socket-port.js';
import type { UwsSocket } from './uws.js';

/** A WebSocket as the hub sees it. */
export class UwsPort implements SocketPort {
  socket: UwsSocket | undefined = undefined;
  readonly #compressFrom: number;

  /** @param compressFrom bytes of the smallest message that is compressed, if the client takes it */
  constructor(compressFrom: number) {
    this.#compressFrom = compressFrom;
  }

  send(data: Uint8Array, isBinary: boolean): number {
    return this.socket!.send(data, isBinary, data.length >= this.#compressFrom);
  }

  ping(payload: Uint8Array): void {
    this.socket!.ping(payload);
  }

  cork(work: () => void): void {
    this.socket!.cork(work);
  }

  bufferedBytes(): number {
    return this.socket!.getBufferedAmount();
  }

  end(code: number, reason: string): void {
    this.socket!.end(code, reason);
  }

  terminate(): void {
    this.socket!.close();
  }

  get canPause(): boolean {
    return false;
  }

  pause(): void {}

  resume(): void {}
}

/**
 * What the engine keeps for a socket. It copies the properties onto the socket, so the object with methods is one of
 * them, and is found there without a call into the engine.
 */
export interface UserData {
  readonly port: UwsPort;
  /** Undefined before `open`, and when the socket was closed inside of it. */
  listener: SocketListener | undefined;
  /**
   * What let it in, until it is open; then code and reason of a socket that was closed before its peer was known: by a
   * listener of its opening.
   */
  early: Acceptance | readonly [code: number, reason: string] | undefined;
}
