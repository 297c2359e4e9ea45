/**
 * Finds a worker that keeps more memory than it may before V8 does. At its own limit V8 ends the thread, but the whole
 * process when a single allocation is more than 16 MiB past it, and does not count buffers at all. So its limit is higher
 * (`HEAP_HEADROOM`), and this looks when no hook runs. Worker thread.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A look takes about 1 µs. */
const LOOK_INTERVAL_MS = 5;
/** Garbage is collected once this much has gathered over what is kept, and half of that. */
const MIN_GARBAGE_BYTES = 16 * 1024 * 1024;

export class MemoryWatch {
  readonly #limitBytes: number;
  readonly #onOver: () => void;
  /** With more than this, garbage or not, the garbage is collected. */
  #suspectBytes: number;
  #lookedAt = 0;
  /** A handler may keep more without a message. Old objects are found to be gone by full collections only. */
  readonly #collections = new FinalizationRegistry(() => this.#onCollection());

  /** @param onOver called when more than the limit is kept */
  constructor(limitBytes: number, onOver: () => void) {
    this.#limitBytes = limitBytes;
    this.#suspectBytes = limitBytes;
    this.#onOver = onOver;
    this.#collections.register({}, undefined);
  }

  /** To be called between hooks, however often. hot */
  look(): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_INTERVAL_MS) return;
    this.#lookedAt = now;
    if (usedBytes() > this.#suspectBytes) this.#measure();
  }

  #onCollection(): void {
    this.look();
    this.#collections.register({}, undefined);
  }

  #measure(): void {
    collectGarbage();
    const keptBytes = usedBytes();
    if (keptBytes > this.#limitBytes) this.#onOver();
    this.#suspectBytes = Math.max(this.#limitBytes, keptBytes * 1.5 + MIN_GARBAGE_BYTES);
  }
}

/** The heap, and the buffers that are not shared. */
function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** About 10 ms, and as much again for each 20 to 100 MiB that are kept. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
  // Buffers that the first one has found are given back by the second.
  collect();
}
