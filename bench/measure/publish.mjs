/** Deliveries of one topic to many subscribers; every subscriber gets every message, once and in order. */
import { openSocket, openSockets } from '../clients/raw-socket.mjs';
import { BenchAbort } from '../lib/errors.mjs';
import { requireOpenFiles } from '../lib/machine.mjs';
import { withCpu } from './cpu.mjs';

const HEADER_BYTES = 2;
const BINARY_FRAME = 0x82;
const TIMEOUT_MS = 30_000;

/** Counts what subscribers got. Messages are `row.size` bytes (at most 125) and begin with their number. */
class Subscribers {
  delivered = 0;
  /** Called when something was delivered, and with an error when it was wrong. */
  onProgress = () => {};
  #frameBytes;
  #isClosing = false;
  #sockets = [];

  constructor(size) {
    this.#frameBytes = HEADER_BYTES + size;
  }

  async open(port, count) {
    this.#sockets = await openSockets(count, () => openSocket(port, this.#subscriber()));
  }

  close() {
    this.#isClosing = true;
    // Not FIN but RST: nothing is left in TIME_WAIT for the next server.
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #subscriber() {
    const frameBytes = this.#frameBytes;
    let kept = Buffer.alloc(0);
    let next = 0;
    return {
      onBytes: (bytes) => {
        let rest = kept.length === 0 ? bytes : Buffer.concat([kept, bytes]);
        for (; rest.length >= frameBytes; rest = rest.subarray(frameBytes)) {
          const isNext =
            rest[0] === BINARY_FRAME &&
            rest[1] === frameBytes - HEADER_BYTES &&
            rest.readUInt32LE(HEADER_BYTES) === next;
          if (!isNext)
            this.onProgress(new BenchAbort(`a subscriber did not get message ${next} as its next one`));
          next++;
          this.delivered++;
        }
        kept = rest.length === 0 ? rest : Buffer.from(rest);
        this.onProgress();
      },
      onClose: () => {
        if (!this.#isClosing) this.onProgress(new BenchAbort('a subscriber fell'));
      },
    };
  }
}

/** Publishes for so long, with `row.inFlight` messages on their way at any time, and waits for the last delivery. */
function publishFor(child, row, subscribers, seconds) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const before = subscribers.delivered;
    let published = 0;
    const timer = setTimeout(
      () => subscribers.onProgress(new BenchAbort('deliveries are missing')),
      seconds * 1000 + TIMEOUT_MS,
    );
    const end = (conclude, value) => {
      clearTimeout(timer);
      subscribers.onProgress = () => {};
      conclude(value);
    };
    subscribers.onProgress = (error) => {
      if (error !== undefined) return end(reject, error);
      const elapsed = (performance.now() - start) / 1000;
      const delivered = subscribers.delivered - before;
      if (elapsed < seconds) {
        for (; published * row.subscribers < delivered + row.inFlight * row.subscribers; published++)
          child.ask(`publish ${row.size}`).catch((failure) => end(reject, failure));
      } else if (delivered === published * row.subscribers) {
        end(resolve, { count: delivered, seconds: elapsed });
      }
    };
    subscribers.onProgress();
  });
}

export async function measurePublish({ child, row, settings }) {
  requireOpenFiles(row.subscribers);
  const subscribers = new Subscribers(row.size);
  await subscribers.open(child.port, row.subscribers);
  try {
    await publishFor(child, row, subscribers, settings.warmup);
    const cpuBefore = process.cpuUsage();
    const { value, cpu } = await withCpu(child, () => publishFor(child, row, subscribers, settings.seconds));
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      deliveriesPerSecond: value.count / value.seconds,
      ...cpu,
      clientCores: (user + system) / 1e6 / value.seconds,
    };
  } finally {
    subscribers.close();
  }
}
