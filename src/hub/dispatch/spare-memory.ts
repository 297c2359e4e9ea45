/**
 * Memory of rings whose workers have ended, for the next ones. Made anew it is taken off the heap of malloc once the first has
 * been freed, which clears all of it, and V8 collects everything when enough has come together: measured in a reload of two
 * workers, the I/O thread stood still for 35 to 60 ms. I/O thread.
 */

/** What the rings of one worker lie in. */
export interface RingBlock {
  readonly inbound: SharedArrayBuffer;
  readonly staging: ArrayBuffer;
  readonly arena: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
}

export class SpareMemory {
  readonly #blocks: RingBlock[] = [];
  readonly #most: () => number;

  /** @param most how many are kept: a reload takes one for each worker */
  constructor(most: () => number) {
    this.#most = most;
  }

  /** One that nobody uses, with whatever was in it; or undefined. */
  take(): RingBlock | undefined {
    return this.#blocks.pop();
  }

  /** Nobody uses it any more. */
  giveBack(block: RingBlock): void {
    if (this.#blocks.length < this.#most()) this.#blocks.push(block);
  }
}
