/** Subscribers that check what they get: every one of them every message, once and in order. */
import { openSocket, openSockets } from '../clients/raw-socket.mjs';
import { BenchAbort } from '../lib/errors.mjs';

const HEADER_BYTES = 2;
const BINARY_FRAME = 0x82;
const READY_FRAME = Buffer.from('\x81\x05ready', 'latin1');
const EMPTY = Buffer.alloc(0);
/** Deliveries that have not come by then are lost. */
export const TIMEOUT_MS = 30_000;

/** One subscriber: the text `ready` once it is subscribed, then messages that begin with their number. */
class Subscriber {
  #frameBytes;
  #onDelivered;
  #onReady;
  #kept = EMPTY;
  /** Number of the message that is due. */
  #next = 0;
  #isReady = false;

  /** @param {(count: number, error?: Error) => void} onDelivered */
  constructor(size, onReady, onDelivered) {
    this.#frameBytes = HEADER_BYTES + size;
    this.#onReady = onReady;
    this.#onDelivered = onDelivered;
  }

  // hot: once per read of every subscriber
  onBytes(bytes) {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    let at = this.#isReady ? 0 : this.#takeReady(all);
    const first = this.#next;
    for (; this.#isReady && at + this.#frameBytes <= all.length; at += this.#frameBytes) {
      if (!this.#isNext(all, at)) return this.#fail(`did not get message ${this.#next} as its next one`);
      this.#next++;
    }
    // The bytes are lent.
    this.#kept = at === all.length ? EMPTY : Buffer.from(all.subarray(at));
    if (this.#next > first) this.#onDelivered(this.#next - first);
  }

  /** @returns {number} where the messages begin */
  #takeReady(bytes) {
    if (bytes.length < READY_FRAME.length) return 0;
    if (!bytes.subarray(0, READY_FRAME.length).equals(READY_FRAME)) {
      this.#fail('did not get "ready"');
      return 0;
    }
    this.#isReady = true;
    this.#onReady();
    return READY_FRAME.length;
  }

  onClose() {
    this.#fail('fell');
  }

  #isNext(bytes, at) {
    return (
      bytes[at] === BINARY_FRAME &&
      bytes[at + 1] === this.#frameBytes - HEADER_BYTES &&
      bytes.readUInt32LE(at + HEADER_BYTES) === this.#next
    );
  }

  #fail(what) {
    this.#onDelivered(0, new BenchAbort(`a subscriber ${what}`));
  }
}

/** All subscribers, and what they got. Messages are `size` bytes: at most 125. */
export class Subscribers {
  delivered = 0;
  /** Called when something was delivered, and with an error when something is wrong. */
  onProgress = () => {};
  #size;
  #sockets = [];

  constructor(size) {
    this.#size = size;
  }

  /** Resolves once all are subscribed. */
  open(port, count) {
    return new Promise((resolve, reject) => {
      let ready = 0;
      const onReady = () => {
        if (++ready === count) resolve();
      };
      const onDelivered = (messages, error) => {
        this.delivered += messages;
        if (error !== undefined) reject(error);
        this.onProgress(error);
      };
      const openOne = () => openSocket(port, new Subscriber(this.#size, onReady, onDelivered));
      openSockets(count, openOne).then((sockets) => {
        this.#sockets = sockets;
      }, reject);
    });
  }

  /** Resolves once all of so many have come. @throws BenchAbort when one is missing, or wrong (rejections) */
  all(count) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new BenchAbort('deliveries are missing')), TIMEOUT_MS);
      this.onProgress = (error) => {
        if (error === undefined && this.delivered < count) return;
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.onProgress();
    });
  }

  close() {
    this.onProgress = () => {};
    // Not FIN but RST: nothing is left in TIME_WAIT for the next server.
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
