/** Puts payloads together that came in parts, in memory that is used again: garbage of this size is collected late. */
import { copyBytes } from '../../wire/copy.js';

/** More is not kept for the next payload. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

export class Parts {
  #memory = NOTHING;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** @param wholeBytes of all parts together: the same each time */
  add(part: Uint8Array, wholeBytes: number): void {
    if (this.#memory.length < wholeBytes) this.#memory = Buffer.allocUnsafeSlow(wholeBytes);
    copyBytes(this.#memory, this.#length, part);
    this.#length += part.length;
  }

  drop(): void {
    this.#length = 0;
  }

  /** The whole, valid until the next part is added. */
  finish(last: Uint8Array): Uint8Array {
    const wholeBytes = this.#length + last.length;
    this.add(last, wholeBytes);
    this.#length = 0;
    const whole = this.#memory.subarray(0, wholeBytes);
    if (wholeBytes > MAX_KEPT_BYTES) this.#memory = NOTHING;
    return whole;
  }
}
