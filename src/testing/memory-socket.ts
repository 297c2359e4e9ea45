/** A socket without a kernel: both of its ends. What its peer does not read counts as the engine's buffer. I/O thread. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Payload } from '../api/payload.js';
import { SendVerdict, type SocketListener, type SocketPort } from '../hub/connection/socket-port.js';
import type { Peer, PeerEvents, Received } from './peer.js';

const ABNORMAL = 1006;

export class MemorySocket implements SocketPort {
  readonly #events: PeerEvents;
  readonly #maxMessageBytes: number;
  readonly #onGone: () => void;
  #listener: SocketListener | undefined;
  #isGone = false;
  /** How it ended while the hub was still told that it had opened. */
  #early: readonly [code: number, reason: string] | undefined;
  #isStalled = false;
  /** What a peer that stalls is still to get. */
  #unread: (() => void)[] = [];
  #unreadBytes = 0;

  /** @param onGone it has ended */
  constructor(events: PeerEvents, maxMessageBytes: number, onGone: () => void) {
    this.#events = events;
    this.#maxMessageBytes = maxMessageBytes;
    this.#onGone = onGone;
  }

  /** The hub has taken it. */
  open(listener: SocketListener): void {
    this.#listener = listener;
    if (this.#early !== undefined) listener.onClose(...this.#early);
  }

  // The hub's end

  send(data: Uint8Array, isBinary: boolean): number {
    const message: Received = isBinary ? Uint8Array.from(data) : Buffer.from(data).toString('utf8');
    if (this.#isStalled) this.#unreadBytes += data.length;
    this.#deliver(() => this.#events.onMessage(message));
    return this.#isStalled ? SendVerdict.Buffered : SendVerdict.Sent;
  }

  ping(payload: Uint8Array): void {
    const answer = Uint8Array.from(payload);
    this.#deliver(() => setImmediate(() => this.#listener?.onPong(answer)));
  }

  cork(work: () => void): void {
    work();
  }

  bufferedBytes(): number {
    return this.#unreadBytes;
  }

  end(code: number, reason: string): void {
    this.#deliver(() => this.#events.onClose(code, reason));
    this.#leave(code, reason);
  }

  terminate(): void {
    this.cut();
  }

  get canPause(): boolean {
    return false;
  }

  pause(): void {}

  resume(): void {}

  // The peer's end

  readonly peer: Peer = {
    send: async (data: Payload) => {
      const bytes = typeof data === 'string' ? Buffer.from(data) : new Uint8Array(data);
      if (bytes.length > this.#maxMessageBytes) this.cut();
      else this.#listener?.onMessage(bytes, 0, bytes.length, 0, typeof data !== 'string');
      // Behind the hub's turn: the handler has it, unless it waits for its connection.
      await nextTurn();
      await nextTurn();
    },
    close: (code, reason) => {
      if (this.#isGone) return;
      this.#leave(code, reason);
      this.#events.onClose(code, reason);
    },
    cut: () => this.cut(),
    stall: () => {
      this.#isStalled = true;
    },
    resume: () => {
      this.#isStalled = false;
      this.#unreadBytes = 0;
      for (const deliver of this.#unread.splice(0)) deliver();
      this.#listener?.onDrain();
    },
  };

  /** It is gone, for both of its ends, with all that was not read. */
  cut(): void {
    if (this.#isGone) return;
    this.#unread = [];
    this.#leave(ABNORMAL, '');
    this.#events.onClose(ABNORMAL, '');
  }

  #deliver(deliver: () => void): void {
    if (this.#isStalled) this.#unread.push(deliver);
    else deliver();
  }

  #leave(code: number, reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#onGone();
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) this.#early = [code, reason];
    else listener.onClose(code, reason);
  }
}
